// The people of the demo and their shared password. Invented; the addresses lead nowhere.

/** One demo user. */
export type Person = {
  readonly name: string;
  readonly email: string;
  readonly bio: string;
  readonly role: "member" | "editor";
  /** Whether PocketBase shows the e-mail address to others. */
  readonly emailVisibility: boolean;
};

/** The password of every demo user. It is published: the demo holds nothing that needs one. */
export const DEMO_PASSWORD = "hapta-demo";

const person = (name: string, bio: string, role: Person["role"] = "member"): Person => {
  const first = name.split(" ")[0] ?? name;
  return { name, email: `${first.toLowerCase()}@example.com`, bio, role, emailVisibility: role === "editor" };
};

/** Everybody, in the order of their record ids. */
export const PEOPLE: readonly Person[] = [
  person("Mira Lindqvist", "Keeps the calendar, the compost and the peace.", "editor"),
  person("Tomas Okafor", "Rides to work in all weathers and writes down which."),
  person("Junko Hale", "Bakes rye bread. Opinions about ovens."),
  person("Rafael Brandt", "Small programs, long walks."),
  person("Ines Carvalho", "Reads with a pencil in hand."),
  person("Oskar Nyman", "Plays the viola in a room with thick walls.", "editor"),
  person("Leila Haddad", "Night trains and paper maps."),
  person("Pavel Dvorak", "Measures rain. Sometimes also the lack of it."),
  person("Greta Moreau", "Tomatoes in summer, seed lists in winter."),
  person("Samuel Adeyemi", "Repairs radios older than he is."),
  person("Yuki Arnesen", "Draws birds, badly and often."),
  person("Clara Weiss", "Teaches chemistry and makes jam, in that order."),
  person("Dmitri Falk", "Sails when there is wind and reads when there is none."),
  person("Noor Rahimi", "Collects recipes that need only one pot."),
  person("Emil Sorensen", "Builds bookshelves; fills them too fast."),
  person("Priya Castellan", "Runs the Thursday choir."),
  person("Hugo Lambert", "Knows every bakery along the canal."),
  person("Anouk Verhoeven", "Fixes gears, brakes and the odd bell."),
  person("Felix Marchetti", "Writes letters by hand and tests by machine."),
  person("Saga Ellison", "New here. Says hello."),
];

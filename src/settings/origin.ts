// Where a value came from, and how to say it. Reads nothing.

/** The source that decided a value, strongest first: flag, environment, .env, file, default. */
export type Origin =
  | { readonly kind: "flag"; readonly name: string }
  | { readonly kind: "environment"; readonly name: string }
  | { readonly kind: ".env"; readonly name: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "default" };

/** Says an origin in a few words, such as "flag --port" or "environment PORT". */
export function renderOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "flag":
    case "environment":
    case ".env":
      return `${origin.kind} ${origin.name}`;
    case "file":
      return `file ${origin.path}`;
    case "default":
      return "default";
  }
}

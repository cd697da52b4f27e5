// A public app: browsers and phones straight from the Internet, guests may read, people sign up.
// Who is signed in is counted by user, so that a school behind one address is not one client.
export default {
  ratelimit: {
    Max: 600,
    Duration: 60_000,
    IP: false,
    isEnabled: true,
    Message: "You are going too fast. Please wait a moment.",
    Rules: [
      // Everything from one address, signed in or not: a bot with a thousand accounts is still one bot.
      { Name: "address", By: "address", Max: 3000, Cost: "weight" },
      { Name: "sign-ups", Collection: "users", Action: "create", By: "address", Max: 5, Duration: 3_600_000 },
      { Name: "posting", Collection: ["posts", "comments"], Action: "create", By: "user", Max: 20, Burst: 5 },
      // Tried out before it counts: look at GET /hapta/limits for how often it would have refused.
      { Name: "scrapers", Action: "list", Audience: "guest", By: "address", Max: 120, Shadow: true },
    ],
  },
};

// A demo on a stage: everybody sits behind the hall's one address, and nobody has an account for long.
// Generous to the address, with a total that keeps a small machine alive whatever happens.
export default {
  ratelimit: {
    Max: 20_000,
    Duration: 60_000,
    IP: true,
    isEnabled: true,
    Message: "The demo is popular right now. Try again in a few seconds.",
    MaxInFlightPerAddress: 250,
    Rules: [
      { Name: "everybody", By: "global", Max: 30_000, Duration: 60_000, Burst: 2_000, Cost: "weight" },
      { Name: "new-things", Action: "create", By: "global", Max: 600, Burst: 50 },
    ],
  },
  Realtime: { MaxClientsPerAddress: 2000 },
};

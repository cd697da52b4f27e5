// A mobile app whose users share addresses by the thousand (carrier-grade NAT): an address says little, a user much.
// Guests only log in, so what guests may do is narrow; places and streams of an address are wide.
export default {
  ratelimit: {
    Max: 5000,
    Duration: 60_000,
    IP: true,
    isEnabled: true,
    Message: "Too many requests.",
    MaxConnectionsPerAddress: 8192,
    MaxInFlightPerAddress: 240,
    MaxInFlightPerUser: 8,
    Rules: [
      { Name: "user", Audience: "user", By: "user", Max: 240, Burst: 60, Cost: "weight" },
      {
        Name: "uploads",
        Audience: "user",
        Method: "POST",
        By: "user",
        Max: 200,
        Duration: 3_600_000,
        Cost: "weight",
      },
      { Name: "guests-reading", Audience: "guest", Action: ["list", "view"], By: "address", Max: 300 },
    ],
  },
  Realtime: { MaxClientsPerAddress: 2000, MaxClientsPerSession: 3 },
};

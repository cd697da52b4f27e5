// A tool for a few colleagues, reached over a company proxy: nobody is hostile, but a script may run wild.
// One wide budget for each of them, and a narrow one for what is expensive.
export default {
  Network: { TrustedProxies: ["private"] },
  ratelimit: {
    Max: 6000,
    Duration: 60_000,
    IP: false,
    isEnabled: true,
    Message: "Is a script of yours running wild? Please slow it down.",
    Rules: [
      { Name: "reports", Path: "/custom/report/**", By: "user", Max: 6, Duration: 60_000 },
      // Everybody together: an export costs the same whoever runs it.
      { Name: "exports", Path: "/custom/export", By: "global", Max: 2, Duration: 60_000 },
    ],
  },
};

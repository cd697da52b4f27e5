// A server that renders pages, behind a CDN: Hapta hears from the CDN's networks and from the renderer's own address.
// The CDN is named, so that each visitor counts; the renderer passes its visitors on and is named as well.
export default {
  Network: { TrustedProxies: ["cloudflare", "10.20.0.5"] },
  ratelimit: {
    Max: 300,
    Duration: 60_000,
    IP: false,
    isEnabled: true,
    Message: "Too many requests. Please try again shortly.",
    // What the renderer asks for itself, without naming a visitor, comes from its address: it needs room.
    MaxInFlightPerAddress: 200,
    Rules: [{ Name: "logins", Action: "auth", By: "address", Max: 10, Duration: 60_000 }],
  },
};

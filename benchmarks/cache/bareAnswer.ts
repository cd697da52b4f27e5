// A process of its own that answers whatever it receives with the same bytes: what no gateway on this runtime can be cheaper
// than. Reads no HTTP.

/** `bareAnswer.ts PORT BYTES`: a 200 with a body of so many bytes, or, for 0, a 304. */
const [port = 0, bodyBytes = 0] = process.argv.slice(2).map(Number);

const about = `Date: ${new Date().toUTCString()}\r\nETag: "0123456789abcdef01234567"\r\nVary: Origin\r\n`;
const answer = Buffer.from(
  bodyBytes === 0
    ? `HTTP/1.1 304 Not Modified\r\n${about}X-Request-Id: 0123456789abcdef\r\n\r\n`
    : `HTTP/1.1 200 OK\r\n${about}Content-Length: ${bodyBytes}\r\n\r\n${"x".repeat(bodyBytes)}`,
);

Bun.listen({
  hostname: "127.0.0.1",
  port,
  socket: {
    data: (socket) => {
      socket.write(answer);
    },
  },
});

// A process of its own that tells clients of an event with nothing but a loop over their sockets: what no gateway on this
// runtime can be faster than. Speaks as much HTTP as the clients and the writer of the benchmark need; keeps nothing.
import type { Socket } from "bun";

const port = Number(process.argv[2]);
const listeners: Socket[] = [];

const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

const answer = (status: string, body: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const welcome = (socket: Socket): void => {
  const id = String(listeners.push(socket)).padStart(40, "0");
  const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  socket.write(`${head}${chunk(`id:${id}\nevent:PB_CONNECT\ndata:{"clientId":"${id}"}\n\n`)}`);
};

// As long as what PocketBase tells of such a record.
const tell = (record: string): void => {
  const about = `"collectionId":"pbc_1234567890","collectionName":"live","id":"abcdefghijklmno"`;
  const data = `{"action":"create","record":{${about},${record.slice(1)}}`;
  const bytes = Buffer.from(chunk(`id:00000000-1\nevent:live/*\ndata:${data}\n\n`));
  for (const listener of listeners) listener.write(bytes);
};

Bun.listen({
  hostname: "127.0.0.1",
  port,
  socket: {
    data: (socket, bytes) => {
      const text = bytes.toString();
      if (text.startsWith("GET")) welcome(socket);
      else if (text.startsWith("POST /api/realtime")) socket.write(answer("204 No Content", ""));
      else {
        socket.write(answer("200 OK", "{}"));
        tell(text.slice(text.indexOf("\r\n\r\n") + 4));
      }
    },
  },
});
process.send?.("ready");
// Nobody is left to serve.
process.on("disconnect", () => process.exit());

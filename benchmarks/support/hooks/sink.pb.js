// Reads an upload of any size and throws it away, piece by piece, as a streaming app would.
routerAdd(
  "PUT",
  "/bench/sink",
  (e) => {
    const buffer = new ArrayBuffer(1048576);
    const body = e.request.body;
    let bytes = 0;
    let ended = "";
    try {
      for (;;) bytes += body.read(buffer);
    } catch (error) {
      // The end of the body arrives as an exception, and with it the count of the last piece is lost.
      ended = String(error);
    }
    return e.json(200, { bytes: bytes, ended: ended });
  },
  $apis.bodyLimit(0),
);

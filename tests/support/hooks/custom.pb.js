/// <reference path="types.d.ts" />
// Custom routes of the test app, as a PocketBase user would write them: what a gateway must relay untouched.

routerAdd("GET", "/custom/hello", (e) => e.string(200, "hello"));

routerAdd("POST", "/custom/echo", (e) => {
  const body = toString(e.request.body);
  e.response.header().set("X-Echo-Type", e.request.header.get("Content-Type"));
  e.response.header().set("X-Echo-Query", e.request.url.rawQuery);
  return e.blob(200, "application/octet-stream", body);
});

routerAdd("GET", "/custom/headers", (e) => {
  const names = e.request.url.query().get("names").split(",");
  const seen = {};
  for (const name of names) seen[name] = e.request.header.values(name);
  return e.json(200, { host: e.request.host, seen: seen });
});

// Parts leave one by one, each flushed, so the body has no known length.
routerAdd("GET", "/custom/stream", (e) => {
  e.response.header().set("Content-Type", "text/plain");
  for (let i = 0; i < 5; i++) {
    e.response.write("part " + i + "\n");
    e.flush();
  }
  return null;
});

// A pause between two parts shows whether they are held back on their way.
routerAdd("GET", "/custom/drip", (e) => {
  e.response.header().set("Content-Type", "text/plain");
  e.response.write("first\n\n");
  e.flush();
  sleep(parseInt(e.request.url.query().get("ms"), 10));
  e.response.write("last\n\n");
  return null;
});

routerAdd("GET", "/custom/redirect", (e) => e.redirect(302, "hello?from=redirect"));

routerAdd("GET", "/custom/cookies", (e) => {
  e.response.header().add("Set-Cookie", "first=1; Path=/");
  e.response.header().add("Set-Cookie", "second=two words; Path=/; HttpOnly");
  e.response.header().set("X-Odd.Header_Name", '  spaced\tvalue ; "quoted"');
  e.response.header().set("X-Empty", "");
  return e.string(200, "cookies");
});

routerAdd("GET", "/custom/slow", (e) => {
  sleep(parseInt(e.request.url.query().get("ms"), 10));
  return e.string(200, "slow");
});

routerAdd("GET", "/custom/bytes", (e) => {
  const count = parseInt(e.request.url.query().get("n"), 10);
  return e.blob(200, "application/octet-stream", "x".repeat(count));
});

routerAdd("GET", "/custom/status/{code}", (e) =>
  e.string(parseInt(e.request.pathValue("code"), 10), "status body"),
);

routerAdd("PUT", "/custom/things/{name}", (e) =>
  e.json(200, { name: e.request.pathValue("name"), method: e.request.method }),
);

// Logins of the app's own, in the shape of PocketBase's; `pad` makes the answer too long for one write.
routerAdd("POST", "/custom/login", (e) => {
  const record = e.app.findAuthRecordByEmail("members", e.request.url.query().get("email"));
  const pad = "x".repeat(parseInt(e.request.url.query().get("pad") || "0", 10));
  return e.json(200, { pad: pad, record: record, token: record.newAuthToken() });
});

routerAdd("POST", "/custom/standard-login", (e) =>
  $apis.recordAuthResponse(
    e,
    e.app.findAuthRecordByEmail("members", e.request.url.query().get("email")),
    "custom",
  ),
);

// Written as no serialiser of PocketBase's would, yet the same JSON.
routerAdd("POST", "/custom/odd-login", (e) => {
  const record = e.app.findAuthRecordByEmail("members", e.request.url.query().get("email"));
  const token = record.newAuthToken();
  const shape = e.request.url.query().get("shape");
  const text =
    shape === "escaped"
      ? '"\\u0065' + token.slice(1) + '"'
      : shape === "spaced"
        ? ' "' + token + '"'
        : '"' + token + '"';
  const type = e.request.url.query().get("type") || "application/json";
  return e.blob(200, type, '{"token" :' + text + ',"record":{"id":"' + record.id + '"}}');
});

routerAdd(
  "POST",
  "/custom/compressed-login",
  (e) => {
    const record = e.app.findAuthRecordByEmail("members", e.request.url.query().get("email"));
    return e.json(200, { pad: "x".repeat(4000), record: record, token: record.newAuthToken() });
  },
  $apis.gzip(),
);

// The token that PocketBase would send by mail.
routerAdd("GET", "/custom/reset-token", (e) =>
  e.string(
    200,
    e.app.findAuthRecordByEmail("members", e.request.url.query().get("email")).newPasswordResetToken(),
  ),
);

// JSON of any length.
routerAdd("GET", "/custom/json", (e) =>
  e.json(200, { list: "x".repeat(parseInt(e.request.url.query().get("n"), 10)) }),
);

// Whatever an app might answer: in the body that is sent, %TOKEN%, %FILE% and %AUTH% become a new login of Ada's, a
// file token of hers, and the Authorization header as it arrived; %1% to %6% become six more logins. `piece` sends it
// in pieces of so many characters.
routerAdd("POST", "/custom/template", (e) => {
  const query = e.request.url.query();
  const ada = e.app.findAuthRecordByEmail("members", "ada@example.com");
  const parts = {
    "%TOKEN%": ada.newAuthToken(),
    "%FILE%": ada.newFileToken(),
    "%AUTH%": e.request.header.get("Authorization"),
  };
  for (let i = 1; i <= 6; i++) parts["%" + i + "%"] = ada.newStaticAuthToken((1000 + i) * 1e9);
  const filled = (template) =>
    Object.keys(parts).reduce((text, name) => text.split(name).join(parts[name]), template);
  const text = filled(toString(e.request.body));
  if (query.get("header")) e.response.header().add(query.get("header"), filled(query.get("value")));
  if (query.get("coding")) e.response.header().set("Content-Encoding", query.get("coding"));
  const status = parseInt(query.get("status") || "200", 10);
  const piece = parseInt(query.get("piece") || "0", 10);
  if (piece === 0) return e.blob(status, query.get("type"), text);
  e.response.header().set("Content-Type", query.get("type"));
  e.response.writeHeader(status);
  for (let at = 0; at < text.length; at += piece) {
    e.response.write(text.slice(at, at + piece));
    e.flush();
  }
  return null;
});

// A sign-up that logs in at once, as apps do with a hook: the token travels in the record.
onRecordEnrich((e) => {
  const wanted = e.requestInfo && e.requestInfo.query["tokens"];
  if (wanted === "yes") {
    e.record.withCustomData(true);
    e.record.set("handedOut", e.record.newAuthToken());
  }
  e.next();
}, "members");

// Writes with the query builder, of which PocketBase tells nobody.
routerAdd("POST", "/custom/rename/{id}/{title}", (e) => {
  $app
    .db()
    .newQuery("UPDATE notices SET title = {:title} WHERE id = {:id}")
    .bind({ id: e.request.pathValue("id"), title: e.request.pathValue("title") })
    .execute();
  return e.json(200, {});
});

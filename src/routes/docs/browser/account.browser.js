// Logging in on the docs pages: a form in the bar, a token for as long as the tab lives. Draws no docs.
(() => {
  const KEY = "hapta-docs-token";
  const form = document.getElementById("account");
  const listeners = [];
  let session = restore();

  /** What the pages use: the token, and news when it changes. */
  window.account = {
    token: () => session?.token ?? "",
    onChange: (listener) => listeners.push(listener),
    /** The description as this caller may see it. */
    description: async () => {
      const response = await fetch("/openapi.json", { headers: headers() });
      if (response.status === 401 && session !== undefined) {
        set(undefined);
        return await window.account.description();
      }
      if (!response.ok) throw new Error(`/openapi.json: ${response.status}`);
      const description = await response.json();
      draw(description);
      return description;
    },
  };

  function headers() {
    return session === undefined ? {} : { Authorization: session.token };
  }

  function restore() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY) ?? "null") ?? undefined;
    } catch {
      return undefined;
    }
  }

  function set(next) {
    session = next;
    if (next === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(next));
  }

  function change(next) {
    set(next);
    for (const listener of listeners) listener();
  }

  /** Collections with a password login, from the description itself. */
  function collectionsOf(description) {
    const suffix = "/auth-with-password";
    const names = Object.keys(description.paths)
      .filter((path) => path.endsWith(suffix))
      .map((path) => path.split("/")[3]);
    const offersSuperusers = "superusers" in document.documentElement.dataset;
    return offersSuperusers && !names.includes("_superusers") ? [...names, "_superusers"] : names;
  }

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function draw(description) {
    if (session === undefined) drawLogin(collectionsOf(description));
    else drawSession();
  }

  function drawSession() {
    const out = element("button", { type: "button", textContent: "Log out" });
    out.addEventListener("click", async () => {
      await fetch("/auth/logout", { method: "POST", headers: headers() }).catch(() => undefined);
      change(undefined);
    });
    form.replaceChildren(element("span", { className: "account-who", textContent: session.name }), out);
    form.onsubmit = (event) => event.preventDefault();
  }

  function drawLogin(names) {
    if (names.length === 0) return form.replaceChildren();
    const collection = element(
      "select",
      { name: "collection", ariaLabel: "Collection" },
      ...names.map((name) => element("option", { value: name, textContent: name })),
    );
    const identity = element("input", {
      name: "identity",
      placeholder: "E-mail",
      ariaLabel: "E-mail or other identity",
      autocomplete: "username",
      required: true,
    });
    const password = element("input", {
      name: "password",
      type: "password",
      placeholder: "Password",
      ariaLabel: "Password",
      autocomplete: "current-password",
      required: true,
    });
    const problem = element("span", { className: "account-problem", role: "alert" });
    const button = element("button", { type: "submit", textContent: "Log in" });
    form.replaceChildren(collection, identity, password, button, problem);
    form.onsubmit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      problem.textContent = "";
      try {
        await logIn(collection.value, { identity: identity.value, password: password.value });
      } catch (error) {
        problem.textContent = error.message;
      } finally {
        button.disabled = false;
      }
    };
  }

  async function logIn(collection, credentials) {
    const response = await fetch(`/api/collections/${collection}/auth-with-password`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(credentials),
    });
    const answer = await response.json();
    if (typeof answer.mfaId === "string") throw new Error("This account needs a second method.");
    if (!response.ok) throw new Error(answer.message);
    change({ token: answer.token, name: answer.record.email || answer.record.id });
  }
})();

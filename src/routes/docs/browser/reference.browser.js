// The page at `/api-reference`: Scalar over the description. Nothing is asked of any other host.
(() => {
  const place = document.getElementById("docs");
  let shown;

  async function show() {
    try {
      const content = await window.account.description();
      shown?.destroy();
      const root = document.createElement("div");
      place.replaceChildren(root);
      shown = window.Scalar.createApiReference(root, {
        content,
        baseServerURL: location.origin,
        servers: [{ url: location.origin }],
        withDefaultFonts: false,
        telemetry: false,
        hideClientButton: true,
        showDeveloperTools: "never",
        agent: { disabled: true },
        mcp: { disabled: true },
        documentDownloadType: "none",
        persistAuth: false,
        authentication: {
          preferredSecurityScheme: "token",
          securitySchemes: { token: { token: window.account.token() } },
        },
      });
      document.documentElement.setAttribute("data-ready", "");
    } catch (error) {
      place.replaceChildren(
        Object.assign(document.createElement("p"), { className: "wait", textContent: error.message }),
      );
    }
  }

  window.account.onChange(show);
  void show();
})();

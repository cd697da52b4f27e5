// The page at `/`: Swagger UI over the description, every call with the token of whoever is logged in.
(() => {
  const place = document.getElementById("docs");

  // Swagger UI keeps its dark colours behind a class and leaves it to the page when they are wanted.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", paint);
  paint();

  async function show() {
    try {
      const spec = await window.account.description();
      window.SwaggerUIBundle({
        spec,
        domNode: place,
        docExpansion: "list",
        filter: true,
        tryItOutEnabled: true,
        displayRequestDuration: true,
        defaultModelsExpandDepth: 0,
        validatorUrl: null,
        presets: [window.SwaggerUIBundle.presets.apis],
        onComplete: () => document.documentElement.setAttribute("data-ready", ""),
        requestInterceptor: (request) => {
          const token = window.account.token();
          if (token !== "" && request.headers.Authorization === undefined)
            request.headers.Authorization = token;
          return request;
        },
      });
    } catch (error) {
      place.replaceChildren(
        Object.assign(document.createElement("p"), { className: "wait", textContent: error.message }),
      );
    }
  }

  window.account.onChange(show);
  void show();
})();

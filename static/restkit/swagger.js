// Signed in through the console, "Try it out" sends the session; Django wants its token with that.
const place = document.getElementById("swagger-ui");
const cookie = (name) => document.cookie.split("; ").find((c) => c.startsWith(`${name}=`))?.slice(name.length + 1);

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    const token = cookie("csrftoken");
    if (token && !["GET", "HEAD"].includes(request.method) && new URL(request.url, location.href).origin === location.origin) {
      request.headers["X-CSRFToken"] = token;
    }
    return request;
  },
});

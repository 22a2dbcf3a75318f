// Search would need a worker from a blob: URL, which the policy refuses.
const place = document.getElementById("redoc");
Redoc.init(place.dataset.schema, { disableSearch: true, hideDownloadButton: false }, place);

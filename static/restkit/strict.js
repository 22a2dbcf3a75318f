// ReDoc under a strict policy: it writes its rules into <style> elements that it makes, which must bear this
// response's nonce, and shows its maker's logo from elsewhere, which nobody here asks for.
const { nonce } = document.currentScript;
const create = document.createElement;
document.createElement = function (name, ...rest) {
  const element = create.call(document, name, ...rest);
  if (String(name).toLowerCase() === "style") element.nonce = nonce;
  return element;
};
const foreign = (address) => {
  const url = new URL(address, location.href);
  return url.protocol.startsWith("http") && url.origin !== location.origin;
};
const set = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name, value) {
  if (name !== "src" || !foreign(value)) set.call(this, name, value);
};
const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
Object.defineProperty(HTMLImageElement.prototype, "src", {
  ...source,
  set(value) {
    if (!foreign(value)) source.set.call(this, value);
  },
});

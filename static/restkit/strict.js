// ReDoc writes its rules into <style> elements that it makes: each must bear this response's nonce.
const { nonce } = document.currentScript;
const create = document.createElement;
document.createElement = function (name, ...rest) {
  const element = create.call(document, name, ...rest);
  if (String(name).toLowerCase() === "style") element.nonce = nonce;
  return element;
};

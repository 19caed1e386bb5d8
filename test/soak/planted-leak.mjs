// Preloaded into the agent to see that a soak turns red: what is kept for each connection that the agent opens.
import { subscribe } from "node:diagnostics_channel";
import { openSync } from "node:fs";

const kept = [];
let connections = 0;
const leaks = {
  // Some kilobytes: what a run would keep that holds on to its answer.
  memory: () => kept.push(Array.from({ length: 500 }, () => Math.random())),
  files: () => connections % 50 === 0 && openSync("/dev/null", "r"),
};
const leak = leaks[process.env.HEALTHSPAN_SOAK_LEAK];

subscribe("net.client.socket", () => {
  connections += 1;
  leak();
});

/** For whoever must name our version without loading an agent. */
export { agentVersion } from "../semconv.js";

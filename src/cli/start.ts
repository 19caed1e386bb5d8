import { type AgentOptions, type RunningAgent, startAgent } from "../agent.js";
import { CommandFailure, exitCode } from "./exit.js";

/**
 * Starts the agent.
 * @throws CommandFailure when its address cannot be listened on.
 */
export async function startOrFail(options: AgentOptions): Promise<RunningAgent> {
  try {
    return await startAgent(options);
  } catch (error) {
    // By name: the command line does not know the server.
    if (!(error instanceof Error && error.name === "ListenError")) throw error;
    throw new CommandFailure(`healthspan: ${error.message}`, exitCode.failed);
  }
}

import { CheckFailure, type Reason } from "../check.js";
import { errorCode } from "./network-failure.js";

/** The system's error codes at the start of a program: what they mean, and what is said of it. */
const failures: Readonly<Record<string, readonly [Reason, string]>> = {
  ENOENT: ["not_found", "does not exist"],
  ENOTDIR: ["not_found", "does not exist"],
  ELOOP: ["not_found", "does not exist"],
  EACCES: ["auth", "may not be used by the agent"],
  EPERM: ["auth", "may not be used by the agent"],
  ENOEXEC: ["protocol", "is nothing that this system can run"],
  ETXTBSY: ["unavailable", "is being written to at this moment"],
  EAGAIN: ["overloaded", "cannot be started: this host has no room for another process"],
  ENOMEM: ["overloaded", "cannot be started: this host has no memory left"],
  EMFILE: ["internal", "cannot be started: this process has too many files open"],
  ENFILE: ["internal", "cannot be started: this host has too many files open"],
};

/** Why a program could not be started. `subject` is what the error is about: the program, or the folder it is to run in. */
export function startFailure(error: unknown, subject: string): CheckFailure {
  const code = errorCode(error);
  const [reason, words] = failures[code ?? ""] ?? ["unexpected", "cannot be started"];
  const detail = error instanceof Error ? error.message : String(error);
  return new CheckFailure(reason, `${subject} ${words}${code === undefined ? "" : ` (${code})`}`, {
    cause: error,
    detail,
  });
}

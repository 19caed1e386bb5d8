import type { Report } from "../agent/once.js";
import type { Paint } from "./terminal.js";

type Status = Report["status"];

export const statusColor: Readonly<Record<Status, Parameters<Paint>[0]>> = {
  healthy: "green",
  degraded: "yellow",
  unhealthy: "red",
  unknown: "cyan",
};

const severity: Readonly<Record<Status, number>> = { healthy: 0, degraded: 1, unhealthy: 2, unknown: 3 };

/** The worst of several; not knowing is worst. */
export function worstStatus(statuses: readonly Status[]): Status {
  return statuses.reduce<Status>((worst, status) => (severity[status] > severity[worst] ? status : worst), "healthy");
}

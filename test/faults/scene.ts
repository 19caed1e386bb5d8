import type { Options } from "../contract/kind-contract.js";
import type { Toxiproxy } from "../servers/toxiproxy.js";
import { type FaultName, faults } from "./faults.js";
import { openLink, openResettingLink } from "./link.js";
import type { Finding, Link, Place, Row, Stage, StageContext } from "./row.js";

/** What all scenes share. */
export interface Surroundings extends StageContext {
  readonly wrongPassword: string;
  readonly toxiproxy: Toxiproxy;
}

export interface CellSubject {
  readonly row: Row;
  readonly stage: Stage;
  readonly fault: FaultName;
  readonly finding: Finding;
}

const defaultFirstBytes = 8;
const noSuchHost = "no-such-host.invalid";

/** Who runs the checks, and can be told to go on with other options: as whoever edits its configuration does it. */
export interface Reloadable {
  reload(checks: readonly Options[]): Promise<void>;
}

/** How one fault begins and ends, and where the check is told to go meanwhile. */
export interface Scene {
  readonly port: number;
  readonly checks: readonly Options[];
  begin(agent: Reloadable): Promise<void> | void;
  end(agent: Reloadable): Promise<void> | void;
  close(): Promise<void>;
}

/** A fault of the way, and another peer, come over this link; one of the scene's own unless said. */
export async function openScene(subject: CellSubject, surroundings: Surroundings, link?: Link): Promise<Scene> {
  switch (faults[subject.fault].at) {
    case "server":
      return serverScene(subject, surroundings);
    case "way":
      return wayScene(subject, surroundings, link ?? (await linkFor(subject, surroundings)));
    case "peer":
      return peerScene(subject, surroundings, link ?? (await linkFor(subject, surroundings)));
    case "options":
      return optionsScene(subject, surroundings);
  }
}

function placeFor({ fault }: CellSubject, { certificates, password }: Surroundings, port: number): Place {
  const { cert, key } = certificates.client;
  const tls = { ca: certificates.ca.cert, cert, key };
  return { host: "127.0.0.1", port, password, ...("isSecure" in faults[fault] && { tls }) };
}

/** Where the check is healthy before the fault. */
function goodPort({ stage, fault, row }: CellSubject): number {
  if (fault === "badCredentials") return stage.guardedPort ?? stage.port;
  if (!("isSecure" in faults[fault])) return stage.port;
  if (!stage.secure) throw new Error(`${row.name} has no server with TLS`);
  return fault === "noClientCertificate" ? stage.secure.mutual : stage.secure.good;
}

function serverScene(subject: CellSubject, surroundings: Surroundings): Scene {
  const { stage, fault } = subject;
  const { port, server } = stage;
  const begin = {
    stopped: () => server.stop(),
    killed: () => server.kill(),
    frozen: () => server.freeze(),
    restarted: async () => {
      await server.stop();
      await server.start();
    },
  }[fault as "stopped" | "killed" | "frozen" | "restarted"];
  const end = async () => {
    if (fault === "frozen") await server.thaw();
    else if (fault !== "restarted") await server.start();
  };
  return {
    port,
    checks: stage.options(placeFor(subject, surroundings, port)),
    begin,
    end,
    close: async () => undefined,
  };
}

function wayScene(subject: CellSubject, surroundings: Surroundings, link: Link): Scene {
  const { stage, fault } = subject;
  const checks = stage.options(placeFor(subject, surroundings, link.port));
  return { port: link.port, checks, begin: () => link.begin(fault), end: () => link.end(), close: () => link.close() };
}

function peerScene(subject: CellSubject, surroundings: Surroundings, link: Link): Scene {
  const { stage } = subject;
  const checks = stage.options(placeFor(subject, surroundings, link.port));
  return {
    port: link.port,
    checks,
    begin: () => link.leadTo(strangerFor(subject, surroundings)),
    end: () => link.leadTo(goodPort(subject)),
    close: () => link.close(),
  };
}

async function optionsScene(subject: CellSubject, surroundings: Surroundings): Promise<Scene> {
  const { stage, fault } = subject;
  const link = await linkFor(subject, surroundings);
  const place = placeFor(subject, surroundings, link.port);
  const { ca, cert, key } = place.tls ?? {};
  const wrong = {
    badCredentials: { password: surroundings.wrongPassword },
    nxdomain: { host: noSuchHost },
    untrusted: { tls: { ...(cert && { cert }), ...(key && { key }) } },
    noClientCertificate: { tls: { ...(ca && { ca }) } },
  }[fault as "badCredentials" | "nxdomain" | "untrusted" | "noClientCertificate"];
  const checks = stage.options(place);
  return {
    port: link.port,
    checks,
    begin: (agent) => agent.reload(stage.options({ ...place, ...wrong })),
    end: (agent) => agent.reload(checks),
    close: () => link.close(),
  };
}

function linkFor(subject: CellSubject, surroundings: Surroundings): Promise<Link> {
  const port = goodPort(subject);
  if (subject.fault !== "resetMidAnswer") return openLinkTo(port, subject, surroundings);
  return openResettingLink(port, subject.row.firstBytes ?? defaultFirstBytes);
}

/** A way to this port that every fault of a way can be put on, but for a reset in the middle of an answer. */
export function openLinkTo(
  port: number,
  { row, stage }: Pick<CellSubject, "row" | "stage">,
  { toxiproxy }: Surroundings,
): Promise<Link> {
  return stage.link?.(port) ?? openLink(toxiproxy, port, row.firstBytes ?? defaultFirstBytes);
}

function strangerFor({ stage, fault, row }: CellSubject, { strangers }: Surroundings): number {
  const { secure } = stage;
  const usual: Partial<Record<FaultName, number | undefined>> = {
    garbage: strangers.garbage,
    wrongProtocol: strangers.http,
    tlsToPlain: stage.port,
    plainToTls: secure?.good ?? strangers.tls,
    expired: secure?.expired,
    mismatched: secure?.mismatched,
  };
  const port = stage.strangers?.[fault] ?? usual[fault];
  if (port === undefined) throw new Error(`${row.name} has no peer for ${fault}`);
  return port;
}

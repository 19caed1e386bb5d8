import { connect as connectPlain, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectSecurely } from "node:tls";
import type { AbstractConnector } from "ioredis";
import type { Address } from "./address.js";
import { guardedLookup } from "./guarded-lookup.js";

type ConnectorConstructor = new () => AbstractConnector;

/**
 * How ioredis opens and closes the socket to one server, in place of its own way: that resolves a name wherever it may
 * lead, and each time it is told to close it waits on a timer of its own.
 */
export function createConnector(
  Base: typeof AbstractConnector,
  { host, port }: Address,
  tls: ConnectionOptions | undefined,
): ConnectorConstructor {
  const where = { host, port, lookup: guardedLookup };
  return class extends Base {
    constructor() {
      super(0);
    }

    override async connect(): Promise<Socket> {
      this.stream = tls ? connectSecurely({ ...tls, ...where }) : connectPlain(where);
      this.stream.once("error", (error) => {
        this.firstError = error;
      });
      return this.stream;
    }

    override disconnect(): void {
      this.stream?.destroy();
    }
  };
}

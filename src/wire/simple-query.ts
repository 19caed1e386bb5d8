import { CheckFailure } from "../check.js";

/** What one statement of a query answered; values as the server writes them. */
export interface StatementResult {
  /** The command tag: `SELECT 1`, `COMMIT`. */
  readonly command: string;
  readonly columns: readonly string[];
  /** The first of them, at most `maxRows`. */
  readonly rows: readonly (readonly (string | null)[])[];
}

interface Settled {
  readonly statements: readonly StatementResult[];
  /** What stopped the query; the statements before it are there all the same. */
  readonly error?: unknown;
}

/** More of an answer is not kept. */
export const maxRows = 100;

/**
 * A query of one or several statements by the simple protocol, as `Client.query` takes it (pg calls it a submittable).
 * Unlike pg's own, it keeps the answers of the statements that came before a failing one, and few rows of each.
 */
export class SimpleQuery {
  readonly settled: Promise<Settled>;
  private settle: (settled: Settled) => void = () => {};
  private readonly statements: StatementResult[] = [];
  private columns: readonly string[] = [];
  private rows: (readonly (string | null)[])[] = [];

  constructor(readonly text: string) {
    this.settled = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  submit(connection: { query(text: string): void }): null {
    connection.query(this.text);
    return null;
  }

  handleRowDescription({ fields }: { readonly fields: readonly { readonly name: string }[] }): void {
    this.columns = fields.map((field) => field.name);
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.rows.length < maxRows) this.rows.push(fields);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.statements.push({ command: text, columns: this.columns, rows: this.rows });
    this.columns = [];
    this.rows = [];
  }

  handleReadyForQuery(): void {
    this.settle({ statements: this.statements });
  }

  handleError(error: unknown): void {
    this.settle({ statements: this.statements, error });
  }

  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyData(): void {}

  /** `copy … from stdin` waits for rows that nobody has; told so, the server calls it cancelled, like a timeout. */
  handleCopyInResponse(connection: { sendCopyFail(message: string): void }): void {
    const message = "query waits for rows, as `copy from stdin` does";
    connection.sendCopyFail(message);
    this.handleError(new CheckFailure("unexpected", message));
  }
}

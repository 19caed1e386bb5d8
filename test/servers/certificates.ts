import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** One certificate and its key: as files for a server's configuration, as PEM text for our options. */
export interface Certificate {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: string;
  readonly key: string;
}

/** A throw-away authority and what it signed, for servers on the loopback interface. */
export interface Certificates {
  readonly dir: string;
  readonly ca: Certificate;
  /** For `localhost`, 127.0.0.1 and ::1, good for 30 days. */
  readonly server: Certificate;
  /** The same for 3 days. */
  readonly soon: Certificate;
  /** For `other.invalid` only. */
  readonly wronghost: Certificate;
  /** For `localhost`, but its end was yesterday. */
  readonly expired: Certificate;
  /** What we show to a server that asks for a certificate; its common name is `client`. */
  readonly client: Certificate;
}

const localNames = "DNS:localhost,IP:127.0.0.1,IP:::1";
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** Makes the certificates by openssl in `dir`, which is created when it is not there. Keys are readable by their owner only. */
export async function createCertificates(dir: string): Promise<Certificates> {
  await mkdir(dir, { recursive: true });
  const openssl = (...args: string[]) => execute("openssl", args, { cwd: dir });

  await openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-days",
    "30",
    "-subj",
    "/CN=test ca",
  );
  const sign = async (name: string, subjectAltName: string, days: number) => {
    await openssl("req", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    await writeFile(join(dir, `${name}.ext`), `subjectAltName=${subjectAltName}\n`);
    const authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
    const subject = ["-in", `${name}.csr`, "-out", `${name}.crt`, "-days", String(days), "-extfile", `${name}.ext`];
    await openssl("x509", "-req", ...authority, ...subject);
    await Promise.all([rm(join(dir, `${name}.csr`)), rm(join(dir, `${name}.ext`))]);
  };
  // One after another: they share the authority's serial file.
  await sign("server", localNames, 30);
  await sign("soon", localNames, 3);
  await sign("wronghost", "DNS:other.invalid", 30);
  await sign("expired", localNames, -1);
  await sign("client", "DNS:client", 30);

  const [ca, server, soon, wronghost, expired, client] = await Promise.all([
    read(dir, "ca"),
    read(dir, "server"),
    read(dir, "soon"),
    read(dir, "wronghost"),
    read(dir, "expired"),
    read(dir, "client"),
  ]);
  return { dir, ca, server, soon, wronghost, expired, client };
}

async function read(dir: string, name: string): Promise<Certificate> {
  const certPath = join(dir, `${name}.crt`);
  const keyPath = join(dir, `${name}.key`);
  await chmod(keyPath, 0o600);
  const [cert, key] = await Promise.all([readFile(certPath, "utf8"), readFile(keyPath, "utf8")]);
  return { certPath, keyPath, cert, key };
}

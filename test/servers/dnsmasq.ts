import { userInfo } from "node:os";
import { type DnsServer, startDnsProcess } from "./dns-process.js";

/** So many addresses that they fit no datagram: resolvers have to ask again by TCP. */
export const manyCount = 120;

/** Knows `app.test`, `www.test` (an alias), `text.test`, `many.test`; refuses what is not below `test`. */
export function startDnsmasq(): Promise<DnsServer> {
  const many = Array.from({ length: manyCount }, (_, index) => `host-record=many.test,10.9.0.${index + 1}`);
  return startDnsProcess({
    server: "dnsmasq",
    configuration: (port) => `
port=${port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
host-record=app.test,127.0.0.2,2001:db8::1
host-record=app.test,127.0.0.3
cname=www.test,app.test
mx-host=app.test,mail.test,10
txt-record=app.test,"v=spf1 -all"
txt-record=text.test,"one ","two"
srv-host=_http._tcp.app.test,app.test,8080,10,5
local=/test/
${many.join("\n")}
`,
    // It would otherwise drop to a user that the machine may not have.
    args: (path) => ["--keep-in-foreground", `--conf-file=${path}`, "--pid-file=", `--user=${userInfo().username}`],
  });
}

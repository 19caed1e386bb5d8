import { type DnsServer, startDnsProcess } from "./dns-process.js";

/** Gives what dnsmasq cannot for a chosen name: SERVFAIL, REFUSED, silence; and SOA, NS and CAA records. */
export function startUnbound(): Promise<DnsServer> {
  return startDnsProcess({
    server: "unbound",
    configuration: (port) => `
server:
  interface: 127.0.0.1
  port: ${port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "."
  pidfile: ""
  use-syslog: no
  access-control: 127.0.0.0/8 allow
  local-zone: "test." static
  local-data: "test. 60 IN SOA ns.test. admin.test. 7 3600 600 86400 60"
  local-data: "test. 60 IN NS ns.test."
  local-data: 'test. 60 IN CAA 0 issue "ca.example"'
  local-data: "app.test. 60 IN A 127.0.0.2"
  local-zone: "refused.test." refuse
  local-zone: "drop.test." deny
forward-zone:
  name: "servfail.example."
  forward-addr: 127.0.0.1@9
remote-control:
  control-enable: no
`,
    args: (path) => ["-d", "-c", path],
  });
}

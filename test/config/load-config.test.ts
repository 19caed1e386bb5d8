import { describe, expect, it } from "vitest";
import { configOf, load, loadText, optionsOf, problemsOf } from "./load.js";

describe("which files are read", () => {
  it("takes the files given, else HEALTHSPAN_CONFIG, else ./healthspan.yaml", () => {
    const files = {
      "healthspan.yaml": "service: { name: default }",
      "other.yaml": "service: { name: variable }",
      "/srv/third.yaml": "service: { name: argument }",
    };
    const env = { HEALTHSPAN_CONFIG: "other.yaml" };
    expect(configOf(load(files)).service.name).toBe("default");
    expect(configOf(load(files, { env })).service.name).toBe("variable");
    const given = configOf(load(files, { env, files: ["/srv/third.yaml"] }));
    expect(given.service.name).toBe("argument");
    expect(given.sources).toEqual(["/srv/third.yaml"]);
  });

  it("runs without a file on what stands in for one", () => {
    const withoutFiles = () => ({ checks: [{ name: "a", kind: "shop", url: "${env:SHOP_URL}" }] });
    const config = configOf(load({}, { withoutFiles, env: { SHOP_URL: "shop://x" } }));
    expect(optionsOf(config)).toMatchObject({ url: "shop://x" });
    expect(config.sources).toEqual([]);
  });

  it("does not fall back when a file that was named is not there", () => {
    expect(problemsOf(load({}, { files: ["no.yaml"], withoutFiles: () => ({}) }))).toEqual([
      "no.yaml: cannot be read: there is no such file; correct the path, or create it",
    ]);
  });

  it("refuses text that is no UTF-8, and takes a byte order mark off", () => {
    expect(problemsOf(load({ "healthspan.yaml": Buffer.from([0x61, 0x3a, 0x20, 0xff]) }))).toEqual([
      "healthspan.yaml: cannot be read: it is no UTF-8 text; save it as UTF-8",
    ]);
    expect(configOf(loadText("\uFEFFservice: { name: a }")).service.name).toBe("a");
  });
});

describe("several files", () => {
  const base = `
server: { port: 80, token: base }
checks:
  - { name: a, kind: shop, host: one, rows: [{ name: x }, { name: y }], headers: { p: "1" }, interval: 20s }
  - { name: b, kind: host }
`;

  it("overlays mappings by key, checks by name, and replaces other lists", () => {
    const over = `
server: { port: 81 }
checks:
  - { name: a, critical: true, rows: [{ name: z }], headers: { q: "2" } }
  - { name: c, kind: host }
`;
    const config = configOf(load({ "a.yaml": base, "b.yaml": over }, { files: ["a.yaml", "b.yaml"] }));
    expect(config.server).toMatchObject({ port: 81, token: "base" });
    expect(config.checks.map(({ policy }) => policy.name)).toEqual(["a", "b", "c"]);
    expect(config.checks[0]?.policy).toMatchObject({ critical: true, intervalMs: 20_000 });
    expect(optionsOf(config)).toMatchObject({ host: "one", rows: [{ name: "z" }], headers: { p: "1", q: "2" } });
  });

  it("lets a later file take a value away by saying nothing for it", () => {
    const over = "checks: [{ name: a, interval: , rows: null }]";
    const config = configOf(load({ "a.yaml": base, "b.yaml": over }, { files: ["a.yaml", "b.yaml"] }));
    expect(config.checks[0]?.policy.intervalMs).toBe(30_000);
    expect(optionsOf(config)).not.toHaveProperty("rows");
  });

  it("says a mistake in the file that has it", () => {
    const over = "checks:\n  - name: a\n    port: no\n";
    expect(problemsOf(load({ "a.yaml": base, "b.yaml": over }, { files: ["a.yaml", "b.yaml"] }))).toEqual([
      "b.yaml:3:11 checks[0].port: is a text, not a number; write a number without a unit",
    ]);
  });

  it("joins the checks of a directory in the order of its files, hidden ones left out", () => {
    const files = {
      "/conf/20.yml": "checks: [{ name: b, kind: host }]",
      "/conf/10.yaml": "service: { name: x }\nchecks: [{ name: a, kind: host }]",
      "/conf/30.yaml": "service: { version: 2 }",
      "/conf/..data": "no",
      "/conf/.hidden.yaml": "[",
      "/conf/notes.txt": "[",
    };
    const config = configOf(load(files, { files: ["/conf"] }));
    expect(config.checks.map(({ policy }) => policy.name)).toEqual(["a", "b"]);
    expect(config.service).toMatchObject({ name: "x", version: "2" });
  });

  it("refuses what a directory says twice, with both places", () => {
    const files = {
      "/conf/a.yaml": "server:\n  port: 80\nchecks: [{ name: a, kind: host }]",
      "/conf/b.yaml": "server:\n  port: 80\nchecks: [{ name: a, kind: host }]",
    };
    expect(problemsOf(load(files, { files: ["/conf"] }))).toEqual([
      "/conf/b.yaml:2:3 server.port: is already given in /conf/a.yaml:2; say it in one file of the directory",
      "/conf/b.yaml:3:18 checks[1].name: the name `a` is already taken in /conf/a.yaml:3; give each check its own name",
    ]);
  });

  it("refuses a directory without a config file", () => {
    expect(problemsOf(load({ "/conf/a.txt": "" }, { files: ["/conf"] }))).toEqual([
      "/conf: has no `*.yaml` or `*.yml` file in it; put one there",
    ]);
  });
});

describe("values", () => {
  const shop = (rest: string): string => `checks:\n  - name: a\n    kind: shop\n    host: x\n${rest}`;

  it("follow the option's type: a text stays as it is written", () => {
    expect(optionsOf(configOf(loadText(shop("    password: 0123"))))).toMatchObject({ password: "0123" });
    expect(configOf(loadText("service: { version: 1.40, name: true }")).service).toMatchObject({
      version: "1.40",
      name: "true",
    });
  });

  it("follow the option's type when a reference brings them", () => {
    const text = shop('    port: ${env:PORT}\n    isOpen: "${env:OPEN}"\n    password: ${env:WORD}');
    const options = optionsOf(configOf(loadText(text, { PORT: "8080", OPEN: "false", WORD: "0123" })));
    expect(options).toMatchObject({ port: 8080, isOpen: false, password: "0123" });
  });

  it("are never read as YAML when a reference brings them", () => {
    const word = "x\nkind: host # }";
    expect(optionsOf(configOf(loadText(shop("    password: ${env:WORD}"), { WORD: word })))).toMatchObject({
      password: word,
    });
  });

  it("that are empty count as absent", () => {
    const options = optionsOf(configOf(loadText(shop("    port: ${env:NO:-}\n    size:"))));
    expect(options).toMatchObject({ port: 80 });
    expect(options).not.toHaveProperty("size");
  });

  it("of a file lose one newline at their end, and its path may be relative to the config", () => {
    const text = "server: { token: '${file:secrets/token}' }";
    expect(configOf(loadText(text, {}, { "secrets/token": "abc\n\n" })).server.token).toBe("abc\n");
  });

  it("keep null where anything may stand", () => {
    const config = configOf(loadText(shop("    expect: { /a: null, /b: 0123 }")));
    expect(optionsOf(config)).toMatchObject({ expect: { "/a": null, "/b": 123 } });
  });

  it("can be anchored, repeated and merged", () => {
    const text = `
defaults: { labels: &labels { team: x } }
checks:
  - &first { name: a, kind: shop, host: x }
  - { <<: *first, name: b, labels: *labels }
`;
    const config = configOf(loadText(text));
    expect(optionsOf(config, "b")).toMatchObject({ host: "x" });
    expect(config.checks[1]?.policy.labels).toEqual({ team: "x" });
  });

  it("of a hostile key do not reach a terminal as they are", () => {
    const [problem = ""] = problemsOf(loadText('"a\\e[31m\\u202eb": 1\n'));
    expect(problem).toContain("is not known");
    expect(problem).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    const [kind = ""] = problemsOf(loadText('checks: [{ name: a, kind: "x\\e[2J" }]'));
    expect(kind).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it("of a hostile key do not reach a prototype", () => {
    expect(problemsOf(loadText("__proto__: { polluted: true }"))).toHaveLength(1);
    expect({}).not.toHaveProperty("polluted");
  });
});

describe("the loaded config", () => {
  it("has a default for everything", () => {
    const config = configOf(loadText("checks: []"));
    expect(config).toMatchObject({
      service: { name: "healthspan", instance: "box:9464" },
      server: {
        host: "127.0.0.1",
        port: 9464,
        details: "authorized",
        trustLoopback: true,
        readiness: "dependencies",
        drainDelayMs: 5_000,
      },
      concurrency: { max: 256, perKind: {} },
      checks: [],
    });
  });

  it("merges kind, defaults and check into a policy", () => {
    const text = `
defaults: { timeout: 4s, failureThreshold: 3, labels: { team: x, tier: "1" } }
checks:
  - { name: a, kind: shop, host: x, labels: { team: y }, thresholds: { duration_ms: { degraded: { above: 200 } } } }
  - { name: b, kind: shop, host: x, interval: 2s, thresholds: { customers: {} } }
`;
    const [a, b] = configOf(loadText(text)).checks;
    expect(a?.policy).toMatchObject({
      intervalMs: 30_000,
      timeoutMs: 4_000,
      failureThreshold: 3,
      labels: { team: "y", tier: "1" },
      thresholds: { customers: { unhealthy: { above: 90 } }, duration_ms: { degraded: { above: 200 } } },
    });
    expect(b?.policy).toMatchObject({ intervalMs: 2_000, timeoutMs: 2_000, failingIntervalMs: 2_000 });
    expect(b?.policy.thresholds).toEqual({ customers: {} });
  });

  it("leaves out a disabled check, and validates it", () => {
    expect(configOf(loadText("checks: [{ name: a, kind: host, enabled: false }]")).checks).toEqual([]);
    expect(problemsOf(loadText("checks: [{ name: a, kind: host, enabled: false, disk: x }]"))).toHaveLength(1);
  });

  it("allows any fact of a kind whose facts are open", () => {
    expect(
      problemsOf(loadText("checks: [{ name: a, kind: host, thresholds: { x: { degraded: { above: 1 } } } }]")),
    ).toEqual([]);
  });

  it("knows every secret in it", () => {
    const text = `
server: { token: t0ken, metricsToken: m0tken }
telemetry:
  otlp: { endpoint: "http://u:p4ss@c:4318", headers: { authorization: Bearer x, other: y } }
checks:
  - { name: a, kind: shop, url: "shop://u:s3cret@x/?key=k3y", headers: { h: h3ader } }
`;
    expect([...configOf(loadText(text)).secrets].sort()).toEqual(
      ["Bearer x", "h3ader", "k3y", "m0tken", "p4ss", "s3cret", "t0ken", "y"].sort(),
    );
  });

  it("is frozen to its leaves, but for the kinds", () => {
    const config = configOf(loadText("checks: [{ name: a, kind: shop, host: x, headers: { h: y } }]"));
    expect(Object.isFrozen(config.telemetry.resource)).toBe(true);
    expect(Object.isFrozen(optionsOf(config).headers)).toBe(true);
    expect(Object.isFrozen(config.checks[0]?.policy.labels)).toBe(true);
    expect(Object.isFrozen(config.checks[0]?.kind)).toBe(false);
  });

  it("has a hash that neither secrets nor the host move, and everything else does", () => {
    const hash = (text: string, hostname = "box"): string =>
      configOf(load({ "healthspan.yaml": text }, { hostname })).hash;
    const text = (password: string, port: number): string =>
      `server: { token: ${password} }\nchecks: [{ name: a, kind: shop, host: x, password: ${password}, port: ${port} }]`;
    expect(hash(text("one", 80))).toBe(hash(text("two", 80), "other"));
    expect(hash(text("one", 80))).not.toBe(hash(text("one", 81)));
  });

  it("names everything that was read, to be watched", () => {
    const result = load(
      { "/conf/a.yaml": "server: { token: '${file:/run/token}' }", "/run/token": "x" },
      { files: ["/conf"] },
    );
    expect(result.watched.map(({ path }) => path)).toEqual(["/conf", "/conf/a.yaml", "/run/token"]);
  });

  it("takes server settings from the environment below the file", () => {
    const env = { HEALTHSPAN_HOST: "0.0.0.0", HEALTHSPAN_PORT: "8000", HEALTHSPAN_TRUST_LOOPBACK: "false" };
    const { server } = configOf(loadText("server: { port: 81 }", env));
    expect(server).toMatchObject({ host: "0.0.0.0", port: 81, trustLoopback: false });
  });

  it("names the variable that holds a wrong server setting", () => {
    expect(problemsOf(loadText("checks: []", { HEALTHSPAN_PORT: "http" }))).toEqual([
      "environment HEALTHSPAN_PORT server.port: is a text, not a number; write a number without a unit",
    ]);
  });

  it("refuses a secret of the environment that is given and empty, and takes another empty variable for none", () => {
    expect(problemsOf(loadText("checks: []", { HEALTHSPAN_METRICS_TOKEN: "", HEALTHSPAN_PORT: "" }))).toEqual([
      "environment HEALTHSPAN_METRICS_TOKEN server.metricsToken: is a secret that is given but empty; give it a value or leave it out",
    ]);
    expect(configOf(loadText("server: { token: abc }", { HEALTHSPAN_TOKEN: "" })).server.token).toBe("abc");
  });

  it("says that nothing is checked and nothing exported", () => {
    expect(configOf(loadText("service: { name: a }")).notices).toEqual([
      "OTLP export is off: no endpoint is given by telemetry.otlp.endpoint or OTEL_EXPORTER_OTLP_ENDPOINT",
      "no checks are configured: the service counts as healthy",
    ]);
  });
});

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CheckFailure, createHealth, type Health } from "../../src/index.js";
import type { Peer } from "../contract/peers.js";
import { hostileLinks, hostileTexts } from "../server/page/hostile.js";
import { requireServer } from "../servers/available.js";
import { startRespPeer } from "../servers/resp-peer.js";
import { overflows, phone, renew, shoot, useBrowser, type Visit } from "./browser.js";
import { startStage, until } from "./stage.js";

/** What an attack that works would call. */
const trap = "window.attacked = () => { window.isAttacked = true; }";

describe.skipIf(!requireServer("chromium"))("text that attacks the status page", () => {
  const browser = useBrowser();
  let visit: Visit;

  const open = async (url: string): Promise<Visit> => {
    visit = await browser.open(url, { prepare: (page) => page.addInitScript(trap) });
    return visit;
  };
  afterEach(() => visit.close());

  /** Opens what can be opened and touches what could react. */
  async function expectHarmless({ page, troubles }: Visit): Promise<void> {
    await page.evaluate(`for (const element of document.querySelectorAll("*")) {
      if (element.localName === "details") element.open = true;
      for (const name of ["mouseover", "focus", "load", "error"]) element.dispatchEvent(new Event(name));
    }`);
    expect(await page.evaluate("window.isAttacked")).toBeUndefined();
    expect(troubles).toEqual([]);
    const addresses = await page.evaluate('[...document.links].map((link) => link.getAttribute("href"))');
    for (const address of addresses as readonly string[]) expect(address).toMatch(/^(https?:\/\/|\?|#)/);
  }

  /** Once more after the page has renewed itself. */
  async function expectHarmlessTwice(visit: Visit): Promise<void> {
    await expectHarmless(visit);
    expect(await renew(visit.page)).toBe(200);
    await expectHarmless(visit);
  }

  it("is seen by this test when it works: the trap and the policy are there", async () => {
    const stage = await startStage({ checks: [] });
    try {
      const { page, troubles } = await open(stage.url);
      await page.evaluate('document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=attacked()>")');
      await until(() => expect(troubles.join()).toMatch(/Content Security Policy/));
      expect(await page.evaluate("window.isAttacked")).toBeUndefined();
      await page.evaluate("attacked()");
      expect(await page.evaluate("window.isAttacked")).toBe(true);
    } finally {
      await stage.stop();
    }
  });

  it("does nothing from a configuration or from a server", async () => {
    const attack = hostileTexts.slice(0, 5).join(" ");
    const info = `redis_version:${hostileTexts[1]}\r\nrole:${hostileTexts[0]}\r\nused_memory_human:${hostileTexts[2]}\r\n`;
    const peer: Peer = await startRespPeer({ INFO: `$${Buffer.byteLength(info)}\r\n${info}\r\n` });
    const cache = { kind: "redis", url: `redis://127.0.0.1:${peer.port}`, interval: "1s", timeout: "950ms" };
    const stage = await startStage({
      service: { name: hostileTexts[0], version: hostileTexts[1], environment: hostileTexts[2], instance: attack },
      server: { traceUrl: "https://grafana.example/?a=\"'><script>attacked()</script>{traceId}" },
      checks: [
        ...hostileLinks.map((link, index) => ({ ...cache, name: `link-${index}`, owner: link, runbook: link })),
        { ...cache, name: "cache", description: attack, owner: attack, runbook: attack, labels: { team: attack } },
      ],
    });
    try {
      await until(() => expect(stage.report().dependencies.cache?.last_check).toBeTypeOf("string"));
      await expectHarmlessTwice(await open(stage.url));
      const text = await visit.page.innerText("body");
      expect(text).toContain(hostileTexts[0]);
      expect(text).toContain(`redis_version\n${hostileTexts[1]}`);
      expect(text).toContain("\njavascript:attacked()");
      await visit.close();
      await expectHarmless(await open(`${stage.url}/?find=${encodeURIComponent(attack)}`));
      await visit.close();
      await expectHarmless(await open(`${stage.url}/?check=cache`));
    } finally {
      await stage.stop();
      await peer.close();
    }
  });

  describe("in a library, where every text is the host's own", () => {
    let health: Health;
    let server: Server;
    let url: string;

    beforeAll(async () => {
      health = createHealth({ service: { name: hostileTexts[5], version: hostileTexts[0] } });
      hostileTexts.forEach((text, index) => {
        const options = {
          // Names are well-formed, or registering refuses them.
          name: text.toWellFormed(),
          interval: "1s",
          timeout: "950ms",
          description: text,
          owner: text,
          runbook: text,
        };
        health.register(() => {
          if (index % 2 === 0) throw new CheckFailure("unexpected", text);
          return { status: "healthy", facts: { [text]: text, list: [text], rows: [{ name: text }] } };
        }, options);
      });
      await health.start();
      const probes = health.probes({
        page: true,
        details: "always",
        prefix: "/internal",
        traceUrl: "javascript:attacked({traceId})",
      });
      server = createServer((req, res) => probes(req, res, () => res.writeHead(404).end())).listen(0, "127.0.0.1");
      await once(server, "listening");
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/internal`;
    });
    afterAll(async () => {
      server.closeAllConnections();
      server.close();
      await health.stop();
    });

    it.each(["", "/"])("does nothing, below a prefix, at an address that ends in %j", async (ending) => {
      await expectHarmlessTwice(await open(url + ending));
      expect(await visit.page.locator("li.check").count()).toBe(hostileTexts.length);
      await shoot(visit.page, "hostile");
    });

    it("does nothing on a check's own page", async () => {
      await open(url);
      await visit.page.getByRole("link", { name: hostileTexts[2], exact: true }).click();
      await visit.page.waitForSelector("article");
      await expectHarmless(visit);
      expect(await visit.page.innerText("article h2")).toBe(hostileTexts[2]);
    });

    it("breaks no layout, however long it is", async () => {
      const name = "n".repeat(400);
      const long = {
        status: "degraded",
        reason: "threshold",
        message: "m".repeat(250),
        facts: { [name]: name },
      } as const;
      health.register(() => long, { name, owner: name, interval: "1s", timeout: "950ms" });
      await health.runOnce([name]);
      visit = await browser.open(url, { viewport: phone, isMobile: true });
      expect(await visit.page.innerText("main")).toContain(name);
      expect(await overflows(visit.page)).toBe(false);
      health.unregister(name);
    });
  });
});

import { describe, expect, it } from "vitest";
import { createHealth } from "../../src/index.js";

describe("createHealth", () => {
  it.each([
    [null, "createHealth: the options are no object; write one"],
    [{ sevice: {} }, "createHealth: `sevice` is no option; write one of service, concurrency, successRatio"],
    [{ service: "orders" }, "createHealth: `service` is no object; write one"],
    [{ service: null }, "createHealth: `service` is no object; write one"],
    [{ service: { nam: "orders" } }, "createHealth: `nam` is no option; write one of name, version, instance"],
    [{ service: { version: 2 } }, "createHealth: `service.version` is no text; write one"],
    [{ concurrency: 5 }, "createHealth: `concurrency` is no object; write one"],
    [{ successRatio: "0.5" }, "createHealth: `successRatio` is no share; write a number from 0 to 1"],
    [{ successRatio: 10 }, "createHealth: `successRatio` is no share; write a number from 0 to 1"],
    [{ successRatio: "all" }, "createHealth: `successRatio` is no share; write a number from 0 to 1"],
    [{ concurrency: { max: 0 } }, "createHealth: `concurrency.max` is no whole number above 0; write 1 or more"],
    [
      { concurrency: { perKind: { llm: 0.5 } } },
      "createHealth: `concurrency.perKind.llm` is no whole number above 0; write 1 or more",
    ],
  ])("refuses %j", (options, message) => {
    expect(() => createHealth(options as never)).toThrow(new TypeError(message));
  });

  it("takes what can be", async () => {
    const options = { service: { name: "a" }, concurrency: { max: 1, perKind: { llm: 1 } }, successRatio: 0 };
    await createHealth(options).stop();
    await createHealth().stop();
  });
});

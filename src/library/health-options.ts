export interface HealthOptions {
  readonly service?: { readonly name?: string; readonly version?: string; readonly instance?: string };
  /** Slots of each of the two pools of runs; 256 unless said. */
  readonly concurrency?: { readonly max?: number; readonly perKind?: Readonly<Record<string, number>> };
  /** Share of the uneventful runs whose traces are kept, of those the host samples; 1 unless said. */
  readonly successRatio?: number;
}

const known: Readonly<Record<keyof HealthOptions, readonly string[] | undefined>> = {
  service: ["name", "version", "instance"],
  concurrency: ["max", "perKind"],
  successRatio: undefined,
};

/** Programs in plain JavaScript have no compiler to ask; without a slot no check would ever run. Throws `TypeError`. */
export function assertHealthOptions(options: HealthOptions): void {
  assertObject("the options", options, Object.keys(known));
  const { service = {}, concurrency = {}, successRatio = 1 } = options;
  assertObject("`service`", service, known.service);
  const untold = Object.entries(service).find(([, text]) => text !== undefined && typeof text !== "string");
  if (untold) throw new TypeError(`createHealth: \`service.${untold[0]}\` is no text; write one`);
  if (!(typeof successRatio === "number" && successRatio >= 0 && successRatio <= 1)) {
    throw new TypeError("createHealth: `successRatio` is no share; write a number from 0 to 1");
  }
  assertObject("`concurrency`", concurrency, known.concurrency);
  assertObject("`concurrency.perKind`", concurrency.perKind ?? {});
  assertSlots(concurrency);
}

function assertObject(what: string, value: unknown, keys?: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`createHealth: ${what} ${what === "the options" ? "are" : "is"} no object; write one`);
  }
  const unknown = keys && Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`createHealth: \`${unknown}\` is no option; write one of ${keys?.join(", ")}`);
  }
}

function assertSlots({ max, perKind }: NonNullable<HealthOptions["concurrency"]>): void {
  const wrong = Object.entries({ max, ...perKind }).find(
    ([, count]) => count !== undefined && !(Number.isInteger(count) && count >= 1),
  );
  if (wrong === undefined) return;
  const path = wrong[0] === "max" ? "max" : `perKind.${wrong[0]}`;
  throw new TypeError(`createHealth: \`concurrency.${path}\` is no whole number above 0; write 1 or more`);
}

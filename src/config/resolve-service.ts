import type { ServiceConfig, TelemetryConfig } from "./agent-config.js";
import type { FileOptions } from "./options.js";
import type { OtelEnvironment } from "./otel-environment.js";

export interface ResolvedService {
  readonly service: ServiceConfig;
  readonly resource: TelemetryConfig["resource"];
  readonly origins: ReadonlyMap<string, string>;
}

const resourceVariable = "OTEL_RESOURCE_ATTRIBUTES";

/** Who reports, from config file, environment and default, and the resource that says so. */
export function resolveService(
  { service: own, telemetry }: Pick<FileOptions, "service" | "telemetry">,
  otel: OtelEnvironment,
  defaultInstance: string,
): ResolvedService {
  const { environment: attributes, rest } = takeServiceAttributes(otel.telemetry.resource ?? {});
  const name = own.name ?? otel.serviceName ?? attributes.name ?? "healthspan";
  const version = own.version ?? attributes.version;
  const environment = own.environment ?? attributes.environment;
  const instance = own.instance ?? attributes.instance ?? defaultInstance;
  const service = {
    name,
    instance,
    ...(version !== undefined && { version }),
    ...(environment !== undefined && { environment }),
  };
  const resource = {
    ...rest,
    ...telemetry.resource,
    "service.name": name,
    "service.instance.id": instance,
    ...(version !== undefined && { "service.version": version }),
    ...(environment !== undefined && { "deployment.environment.name": environment }),
  };
  return { service, resource, origins: originsOf(own, otel, attributes) };
}

type Attributes = Partial<Record<"name" | "version" | "environment" | "instance", string>>;

/** `deployment.environment` is the name the convention had before; many a platform still sets it. */
function takeServiceAttributes(resource: TelemetryConfig["resource"]) {
  const {
    "service.name": name,
    "service.version": version,
    "service.instance.id": instance,
    "deployment.environment.name": environment,
    "deployment.environment": formerEnvironment,
    ...rest
  } = resource;
  const found = { name, version, instance, environment: environment ?? formerEnvironment };
  const said = Object.entries(found).filter(([, value]) => value !== undefined);
  return { environment: Object.fromEntries(said.map(([key, value]) => [key, String(value)])) as Attributes, rest };
}

function originsOf(own: FileOptions["service"], otel: OtelEnvironment, attributes: Attributes) {
  const origins = new Map<string, string>();
  for (const key of ["name", "version", "environment", "instance"] as const) {
    if (own[key] !== undefined) continue;
    if (key === "name" && otel.serviceName !== undefined) origins.set("service.name", "OTEL_SERVICE_NAME");
    else if (attributes[key] !== undefined) origins.set(`service.${key}`, resourceVariable);
  }
  return origins;
}

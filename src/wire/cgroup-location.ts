import { posix } from "node:path";
import { readText } from "./read-text.js";

/** Where one controller of this process's control group is: its own directory first, then its parents'. */
export interface ControllerLocation {
  readonly version: 1 | 2;
  /** Up to the mount point, without a leading slash. */
  readonly directories: readonly string[];
}

export interface CgroupLocation {
  readonly memory: ControllerLocation | undefined;
  readonly cpu: ControllerLocation | undefined;
  /** Where CPU use is counted: version 1 has a controller of its own for that. */
  readonly cpuUsage: ControllerLocation | undefined;
}

/** Finds the control group of this process, version 1, 2 or both side by side; undefined where there is none. */
export async function locateCgroup(root: string): Promise<CgroupLocation | undefined> {
  const [groups, mountinfo] = await Promise.all([
    readText(root, "proc/self/cgroup"),
    readText(root, "proc/self/mountinfo"),
  ]);
  if (groups === undefined) return undefined;
  const mounts = parseMounts(mountinfo ?? "");
  const locate = (controller: string): ControllerLocation | undefined => locateController(groups, mounts, controller);
  const location = { memory: locate("memory"), cpu: locate("cpu"), cpuUsage: locate("cpuacct") };
  return location.memory || location.cpu ? location : undefined;
}

interface CgroupMount {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  /** The group that the mount point shows. */
  readonly root: string;
  readonly point: string;
}

/** Fields as in proc(5): id, parent, device, root, mount point, options, optional fields, `-`, type, source, options. */
function parseMounts(mountinfo: string): readonly CgroupMount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root, point] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (root === undefined || point === undefined || (type !== "cgroup" && type !== "cgroup2")) return [];
    const version = type === "cgroup" ? 1 : 2;
    return [{ version, controllers: options.split(","), root: decodeOctal(root), point: decodeOctal(point) }];
  });
}

/** Spaces and the like are octal in mountinfo. */
const decodeOctal = (text: string): string =>
  text.replace(/\\(\d{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Lines of /proc/self/cgroup are `id:controllers:path`; version 2 has the id 0 and names no controllers. */
function locateController(
  groups: string,
  mounts: readonly CgroupMount[],
  controller: string,
): ControllerLocation | undefined {
  const lines = groups.split("\n").map((line) => /^(\d+):([^:]*):(.*)$/.exec(line));
  const own = lines.find((line) => line?.[2]?.split(",").includes(controller));
  const path = own?.[3] ?? lines.find((line) => line?.[1] === "0")?.[3];
  const version = own ? 1 : 2;
  const mount = mounts.find(
    (candidate) => candidate.version === version && (!own || candidate.controllers.includes(controller)),
  );
  return path === undefined || mount === undefined ? undefined : { version, directories: upwards(mount, path) };
}

/** A path that the mount does not show (the group of a parent namespace) leaves the mount point itself. */
function upwards({ root, point }: CgroupMount, path: string): readonly string[] {
  const below = posix.relative(root, path);
  const steps = below === "" || below.startsWith("..") ? [] : below.split("/");
  return steps
    .map((_step, index) => posix.join(point, ...steps.slice(0, steps.length - index)))
    .concat(point)
    .map((directory) => directory.replace(/^\/+/, ""));
}

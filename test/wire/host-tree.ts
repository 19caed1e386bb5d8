import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Files of a machine, by path below its root. */
export type HostFiles = Readonly<Record<string, string>>;

export interface HostTree {
  readonly root: string;
  write(files: HostFiles): void;
  remove(): void;
}

/** A machine's `proc` and `sys` in a folder. */
export function createHostTree(files: HostFiles): HostTree {
  const root = mkdtempSync(join(tmpdir(), "healthspan-host-"));
  const write = (added: HostFiles): void => {
    for (const [path, text] of Object.entries(added)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  };
  write(files);
  return { root, write, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export const mebibyte = 1_024 ** 2;

/** 8 GiB, of which 6 are available; two processors that have worked 300 of 1,000 ticks. */
export const host: HostFiles = {
  "proc/meminfo": "MemTotal:        8388608 kB\nMemFree:          524288 kB\nMemAvailable:    6291456 kB\n",
  "proc/stat": "cpu  200 20 50 600 100 10 10 10 5 5\ncpu0 1 2 3 4\n",
};

const cgroup2Mount = (root: string): string =>
  `31 23 0:28 ${root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate\n`;

/** A container of version 2 with a namespace of its own: half a GiB, half a processor. */
export const cgroup2: HostFiles = {
  "proc/self/cgroup": "0::/\n",
  "proc/self/mountinfo": `22 27 0:21 / /proc rw - proc proc rw\n${cgroup2Mount("/")}`,
  "sys/fs/cgroup/memory.max": `${512 * mebibyte}\n`,
  "sys/fs/cgroup/memory.current": `${400 * mebibyte}\n`,
  "sys/fs/cgroup/memory.stat": `anon 1\ninactive_anon 7\ninactive_file ${144 * mebibyte}\n`,
  "sys/fs/cgroup/cpu.max": "50000 100000\n",
  "sys/fs/cgroup/cpu.stat": "usage_usec 2000000\nuser_usec 1\nnr_periods 100\nnr_throttled 10\n",
};

/** A service of version 2 whose own group has no limit, while its parent's has. */
export const cgroup2Nested: HostFiles = {
  "proc/self/cgroup": "0::/system.slice/app.service\n",
  "proc/self/mountinfo": cgroup2Mount("/"),
  "sys/fs/cgroup/system.slice/memory.max": `${1_024 * mebibyte}\n`,
  "sys/fs/cgroup/system.slice/memory.current": `${896 * mebibyte}\n`,
  "sys/fs/cgroup/system.slice/memory.stat": `inactive_file ${128 * mebibyte}\n`,
  "sys/fs/cgroup/system.slice/cpu.max": "100000 100000\n",
  "sys/fs/cgroup/system.slice/cpu.stat": "usage_usec 9000000\nnr_periods 10\nnr_throttled 1\n",
  "sys/fs/cgroup/system.slice/app.service/memory.max": "max\n",
  "sys/fs/cgroup/system.slice/app.service/memory.current": `${100 * mebibyte}\n`,
  "sys/fs/cgroup/system.slice/app.service/memory.stat": "inactive_file 0\n",
  "sys/fs/cgroup/system.slice/app.service/cpu.max": "max 100000\n",
  "sys/fs/cgroup/system.slice/app.service/cpu.stat": "usage_usec 1000000\nnr_periods 0\nnr_throttled 0\n",
};

/** A container of version 1 that sees the machine's path, of which its mounts show only its own part. */
export const cgroup1: HostFiles = {
  "proc/self/cgroup": "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n",
  "proc/self/mountinfo":
    "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n" +
    "33 31 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n" +
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
  "sys/fs/cgroup/memory/memory.limit_in_bytes": `${512 * mebibyte}\n`,
  "sys/fs/cgroup/memory/memory.usage_in_bytes": `${400 * mebibyte}\n`,
  "sys/fs/cgroup/memory/memory.stat": `inactive_file 5\ntotal_inactive_file ${144 * mebibyte}\n`,
  "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
  "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
  "sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_periods 100\nnr_throttled 10\nthrottled_time 5\n",
  "sys/fs/cgroup/cpu,cpuacct/cpuacct.usage": "2000000000\n",
};

/** Version 1 as it is where nothing limits: numbers near 2^63 and -1. */
export const cgroup1Unlimited: HostFiles = {
  ...cgroup1,
  "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
  "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
};

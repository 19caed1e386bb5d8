/** Compiled where neither drivers nor their types are installed, and declarations are not skipped; never run. */

export { createHealth } from "healthspan";
export { startAgent } from "healthspan/agent";
export { dns } from "healthspan/kinds/dns";
export { exec } from "healthspan/kinds/exec";
export { grpc } from "healthspan/kinds/grpc";
export { http } from "healthspan/kinds/http";
export { llm } from "healthspan/kinds/llm";
export { milvus } from "healthspan/kinds/milvus";
export { pgvector } from "healthspan/kinds/pgvector";
export { postgres } from "healthspan/kinds/postgres";
export { redis } from "healthspan/kinds/redis";
export { system } from "healthspan/kinds/system";
export { tcp } from "healthspan/kinds/tcp";
export { tls } from "healthspan/kinds/tls";
export { scriptedCheck } from "healthspan/testing";

import type { FuzzTarget } from "./fuzz-target.js";
import { config } from "./targets/config.js";
import { discovery } from "./targets/discovery.js";
import { dns } from "./targets/dns.js";
import { grpcFrames, grpcMessage } from "./targets/grpc.js";
import { httpAnswer } from "./targets/http-answer.js";
import { httpRequest } from "./targets/http-request.js";
import { eventStream, llm } from "./targets/llm.js";
import { perfdata } from "./targets/perfdata.js";
import { postgres } from "./targets/postgres.js";
import { redis, redisInfo } from "./targets/redis.js";
import { exposition, safeTexts } from "./targets/texts.js";

/** Everything that reads what others wrote. */
export const targets: readonly FuzzTarget[] = [
  config,
  discovery,
  httpRequest,
  httpAnswer,
  redis,
  redisInfo,
  postgres,
  dns,
  grpcFrames,
  grpcMessage,
  llm,
  eventStream,
  perfdata,
  safeTexts,
  exposition,
];

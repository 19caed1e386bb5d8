// What each command's `--help` says below its options: examples first, then exit codes. No line is longer than 80
// columns, which is what a terminal has at least.

export const rootExamples = `
The first ten minutes:
  healthspan init       write a first healthspan.yaml from what is found here
  healthspan check      run each of its checks once, as a table
  healthspan            run the agent, on http://127.0.0.1:9464
  healthspan doctor     in another terminal: walk the agent that runs here

Examples:
  healthspan check postgres://app@db/app    one check without any file
  healthspan run --config base.yaml --config production.yaml
  healthspan demo                           see it at work on this machine

"healthspan <command> --help" says more.
Exit codes: 0 good, 1 failed, 64 wrong command line. check, validate and doctor
exit as monitoring plugins do: 0 healthy, 1 degraded, 2 unhealthy, 3 could not
tell.`;
export const runExamples = `
Without a file, the environment is asked: DATABASE_URL, REDIS_URL,
MILVUS_ADDRESS, OPENAI_API_KEY with OPENAI_BASE_URL; and the host is watched.

Examples:
  healthspan run --config healthspan.yaml
  healthspan run --config base/ --config production.yaml
  DATABASE_URL=postgres://app:secret@db/app healthspan

Exit codes: 0 stopped, 1 could not start, 64 wrong command line, 70 an error of
healthspan itself, 130 or 143 ended by a second signal.`;
export const initExamples = `
Secrets stay where they are: the file names their variables, as in
\${env:DATABASE_URL}. What would not load as it is (its variable is not set, say)
is written as a comment, with the reason.

Examples:
  healthspan init
  healthspan init --stdout
  healthspan init -o config/healthspan.yaml --force

Exit codes: 0 written, 1 not written (there is a file already, say), 64 wrong
command line.`;
export const validateExamples = `
Examples:
  healthspan validate
  healthspan validate --config base/ --config production.yaml --print

Exit codes: 0 usable, 3 not.`;
export const checkExamples = `
Examples:
  healthspan check
  healthspan check database redis --config healthspan.yaml
  healthspan check redis --explain
  healthspan check https://example.org/
  healthspan check tcp://queue:5672 --json

URLs, whose checks have their kind's defaults:
  https://example.org/                   http, https
  tcp://mail:25
  dns://10.0.0.2/example.org?type=MX     dns:///example.org: this host's own
  tls://example.org:443
  grpc://inventory:50051                 grpcs for TLS; /service asks about one
  llm+https://api.openai.com/v1          llm+http, llm+https
  postgres://app@db/app                  postgres, postgresql
  pgvector://app@db/app?table=documents&column=embedding
  redis://cache:6379                     rediss for TLS
  milvus://vectors:19530                 milvuss for TLS
Checks of the kinds system and exec have none. A password in a URL is
percent-encoded.

Exit codes: 0 healthy, 1 degraded, 2 unhealthy, 3 could not tell (a wrong
command line or configuration too). Without names the code is the service's
status; with names it is the worst of them.`;
export const doctorExamples = `
Examples:
  healthspan doctor
  healthspan doctor http://127.0.0.1:9464 --expect-failure database
  healthspan doctor https://agent.internal:9464 --token-file token --json
  healthspan doctor http://127.0.0.1:3000/internal    probes with a prefix

Exit codes: 0 every step passed and the service is healthy (or failed as
expected), 1 it is degraded, 2 a step failed or the service is unhealthy, 3
could not tell: nobody answers, it is no Healthspan, or it hides its details.`;
export const probeExamples = `
Examples:
  healthspan probe http://127.0.0.1:9464/livez
  HEALTHCHECK CMD ["healthspan", "probe", "http://127.0.0.1:9464/readyz"]`;
export const rulesExamples = `
Examples:
  healthspan rules > checks.rules.yml
  healthspan rules --match 'job="checkout-api"' --objective 99.5
  promtool check rules checks.rules.yml

They take the place of the bundled healthspan-checks.yml for these checks; load
one of the two.
Exit codes: 0 written, 1 the configuration cannot be used, 64 wrong command
line.`;
export const schemaExamples = `
Examples:
  healthspan schema > config.schema.json
  then, on the first line of your file:
  # yaml-language-server: $schema=./config.schema.json`;
export const demoExamples = `
Examples:
  healthspan demo
  healthspan demo --port 8080
  healthspan demo --without knowledge llm
  healthspan demo --otlp http://127.0.0.1:4318`;

// The suites of `npm test`, in the order in which they run: each is a vitest project of vitest.config.ts.
// The budget is what a suite may take on two cores before the closing table says so; it never fails a run.
export const suites = [
  { name: "unit", budgetSeconds: 60 },
  { name: "contract", budgetSeconds: 60 },
  // The kept corpus and some hundred inputs of each fuzzer; `npm run fuzz` is the long form.
  { name: "fuzz", budgetSeconds: 20 },
  { name: "leaks", budgetSeconds: 180 },
  { name: "integration", budgetSeconds: 240 },
  { name: "faults", budgetSeconds: 360 },
  { name: "stack", budgetSeconds: 240 },
  { name: "browser", budgetSeconds: 60 },
  // Two installations from the registry are half of it.
  { name: "package", budgetSeconds: 90 },
];

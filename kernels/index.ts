// The entry of the kernel module: everything src/field/field.ts may call.

export { combineRows, crossDot, dot } from "./dots";
export {
  add,
  addScalar,
  addZeroShare,
  column,
  fill,
  gather,
  maskPrg,
  neg,
  scatter,
  sub,
  subScalar,
} from "./elementwise";
export { mul, mulScalar, multiplyAdd, multiplyAddScalar } from "./products";
export { crossAdd, crossAddScalar, crossSet, crossSetScalar } from "./sharing";
export { blockSums, isCanonical, maxIndex, prefixSums, sum } from "./sums";

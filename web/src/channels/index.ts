export { useBlock, useBlocks } from "./blocks";
export { PersonCard } from "./PersonCard";
export * as permissions from "./permissions";
export { useOpenDirectChat } from "./useOpenDirectChat";

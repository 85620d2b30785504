export { StoryRing } from "./StoryRing";

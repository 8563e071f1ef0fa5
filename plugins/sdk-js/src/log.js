import * as logging from "hookswitch:plugin/logging@0.1.0";
import { pairs } from "./records.js";

const at = (level) => (message, fields = {}) => logging.log(level, message, pairs(fields));

export const log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };

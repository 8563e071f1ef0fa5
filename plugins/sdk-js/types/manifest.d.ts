// The manifest, `wit/manifest.md`. The SDK writes `manifest`, `serves`, and the origins of `base-url` credentials.

export interface Setting {
  name: string;
  kind: "text" | "secret" | "choice" | "flag" | "number" | "file";
  title: string;
  help?: string;
  /** Always a text: "true", "30". */
  default?: string;
  /** For the kind `choice`. */
  choices?: string[];
  required?: boolean;
}

export type Place =
  | { header: { name: string; prefix?: string } }
  | { query: { name: string } }
  | { form: { name: string } }
  | { json: { path: string } };

export type Scheme =
  | { kind: "concat-sha256"; "id-header"?: string; header?: string }
  | {
      kind: "hmac"; header: string; algorithm?: "sha1" | "sha256" | "sha512"; signed?: string;
      encoding?: "hex" | "base64"; prefix?: string; "timestamp-header"?: string; "id-header"?: string; window?: string;
    }
  | { kind: "standard-webhooks"; window?: string };

export interface Credential {
  handle: string;
  kind: "none" | "base-url" | "bearer" | "basic" | "api-key" | "oauth2" | "signature" | "secret";
  title: string;
  help?: string;
  /** Default: true. */
  required?: boolean;
  place?: Place;
  scheme?: Scheme;
  /** Where tokens come from: see `provider` in `wit/manifest.md`. */
  provider?: Record<string, unknown>;
}

export type Proof =
  | { kind: "form-field"; field: string; secret: string }
  | { kind: "json-field"; path: string; secret: string }
  | { kind: "token"; header?: string; query?: string; prefix?: string; secret: string }
  | { kind: "signature"; scheme: Scheme; secret: string; id?: string }
  | { kind: "basic"; user: string; secret: string }
  | { kind: "source"; networks: string[] };

export interface Manifest {
  /** Lower case with hyphens, the same in every version. */
  name: string;
  title: string;
  /** Semver. */
  version: string;
  vendor?: string;
  description?: string;
  settings?: Setting[];
  credentials?: Credential[];
  /** Origins: "https://api.example.com", "https://*.example.com". */
  http?: string[];
  capabilities?: ("storage" | "recording" | "documents" | "secrets")[];
  hooks?: { name: string; title?: string; verify: Proof[] }[];
  limits?: { rate?: { "per-second": number; burst: number }; concurrency?: number; batch?: number };
}

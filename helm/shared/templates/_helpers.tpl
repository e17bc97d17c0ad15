{{- /*
Everything under helm/shared is the same in the charts backend, mcp and frontend. What differs between them is in
Chart.yaml and values.yaml. A library chart would do the same without copies, but the specification gives these charts
no dependencies.
*/}}

{{- /*
The name of this release's objects, and the value of the label `app` that its Service selects: `ai-todo-RELEASE`. Release
`backend` therefore has the names of the specification, and every other release has names of its own. Names are limited
to 63 characters without dots, of which the longest suffix, `-deployment`, takes 11: a release name that does not fit is
shortened and made unique by a hash.
*/}}
{{- define "ai-todo.fullname" -}}
{{- $name := printf "ai-todo-%s" .Release.Name }}
{{- if not (regexMatch "^[a-z0-9-]{1,52}$" $name) }}
{{- $name = printf "%s-%s" ($name | replace "." "-" | trunc 43 | trimSuffix "-") ($name | sha256sum | trunc 8) }}
{{- end }}
{{- $name }}
{{- end }}

{{- /* The labels of a selector. A Deployment's selector is immutable: do not add to it. */}}
{{- define "ai-todo.selectorLabels" -}}
app: {{ include "ai-todo.fullname" . }}
{{- end }}

{{- /* Labels of a pod. They leave out the chart's version, so that a new chart version alone does not replace pods. */}}
{{- define "ai-todo.podLabels" -}}
{{ include "ai-todo.selectorLabels" . }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ include "ai-todo.version" . | quote }}
app.kubernetes.io/component: {{ .Chart.Name | trimPrefix "ai-todo-" }}
app.kubernetes.io/part-of: ai-todo
{{- end }}

{{- /* Labels of every object. */}}
{{- define "ai-todo.labels" -}}
{{ include "ai-todo.podLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The version of the app: the image's tag, or the chart's appVersion if the tag is empty. */}}
{{- define "ai-todo.version" -}}
{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "ai-todo.image" -}}
{{ .Values.image.repository }}:{{ include "ai-todo.version" . }}
{{- end }}

{{- /* The Secret whose keys become environment variables: existingSecret, or the chart's own. */}}
{{- define "ai-todo.secretName" -}}
{{ .Values.existingSecret | default (printf "%s-secrets" (include "ai-todo.fullname" .)) }}
{{- end }}

{{- /*
The Service's NodePort; empty if the cluster chooses it. The default ports are reserved for the releases `frontend` and
`backend`: a second release of the same chart does not claim the port of the first.
*/}}
{{- define "ai-todo.nodePort" -}}
{{- with .Values.service.nodePort }}
{{- $port := int . | toString }}
{{- $owner := get (dict "30080" "frontend" "30081" "backend") $port }}
{{- if has $owner (list "" $.Release.Name) }}
{{- $port }}
{{- end }}
{{- end }}
{{- end }}

{{- /*
Fails if required secrets are missing, empty or blank, and names all of them at once. `helm lint` reports `fail` as
information only, so the chart lints without secrets.
*/}}
{{- define "ai-todo.checkSecrets" -}}
{{- $missing := list }}
{{- range .Values.requiredSecrets }}
{{- if not (get $.Values.secrets . | trim) }}
{{- $missing = append $missing (printf "secrets.%s" .) }}
{{- end }}
{{- end }}
{{- if $missing }}
{{- printf "%s: missing or empty: %s. Set each in a values file, or set existingSecret to the name of a Secret that holds them." .Chart.Name (join ", " $missing) | fail }}
{{- end }}
{{- end }}

{{- /* An HTTP probe, from {probe: values, port: number}. */}}
{{- define "ai-todo.probe" -}}
httpGet:
  path: {{ .probe.path }}
  port: {{ .port }}
{{ omit .probe "path" "enabled" | toYaml }}
{{- end }}

{{- define "ai-todo.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "ai-todo.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop:
    - ALL
{{- end }}

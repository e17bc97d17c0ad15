{{- /*
This file, the templates beside it and values.schema.json are the same text in the backend, mcp and frontend charts;
tests/helm keeps them so. What differs stands in Chart.yaml and values.yaml. There is no library chart: the
specification gives these charts no dependencies.
*/}}

{{- /* The service's name: the stem of every object's name, and the label by which the Service selects. */}}
{{- define "ai-todo.name" -}}
{{ .Chart.Name }}
{{- end }}

{{- /* What a selector holds. It is immutable in a Deployment: never add to it. */}}
{{- define "ai-todo.selectorLabels" -}}
app: {{ include "ai-todo.name" . }}
{{- end }}

{{- /* Labels of a pod. Without the chart's version, so that a new chart alone does not replace pods. */}}
{{- define "ai-todo.podLabels" -}}
{{ include "ai-todo.selectorLabels" . }}
app.kubernetes.io/name: {{ include "ai-todo.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ include "ai-todo.version" . | quote }}
app.kubernetes.io/component: {{ include "ai-todo.name" . | trimPrefix "ai-todo-" }}
app.kubernetes.io/part-of: ai-todo
{{- end }}

{{- /* Labels of every object. */}}
{{- define "ai-todo.labels" -}}
{{ include "ai-todo.podLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The version that runs: the image's tag, or the chart's appVersion where no tag is given. */}}
{{- define "ai-todo.version" -}}
{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "ai-todo.image" -}}
{{ .Values.image.repository }}:{{ include "ai-todo.version" . }}
{{- end }}

{{- /* The Secret whose keys become environment variables: the chart's own, or one that is there already. */}}
{{- define "ai-todo.secretName" -}}
{{ .Values.existingSecret | default (printf "%s-secrets" (include "ai-todo.name" .)) }}
{{- end }}

{{- /*
Refuses to render while a required secret is missing, empty or blank, and names all of them at once. `helm lint` turns
`fail` into a remark, so the chart lints without secrets.
*/}}
{{- define "ai-todo.checkSecrets" -}}
{{- $missing := list }}
{{- range .Values.requiredSecrets }}
{{- if not (get $.Values.secrets . | trim) }}
{{- $missing = append $missing (printf "secrets.%s" .) }}
{{- end }}
{{- end }}
{{- if $missing }}
{{- printf "%s: missing or empty: %s. Give each in a values document, or name a Secret that holds them in existingSecret." (include "ai-todo.name" .) (join ", " $missing) | fail }}
{{- end }}
{{- end }}

{{- /* A probe over HTTP, from {probe: values, port: number}. */}}
{{- define "ai-todo.probe" -}}
httpGet:
  path: {{ .probe.path }}
  port: {{ .port }}
{{ omit .probe "path" "enabled" | toYaml }}
{{- end }}

{{- /* What a pod may do: nothing as root. */}}
{{- define "ai-todo.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- /* What a container may do: nothing that it need not. */}}
{{- define "ai-todo.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop:
    - ALL
{{- end }}

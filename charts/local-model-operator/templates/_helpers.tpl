{{/* Name of the chart, as labels carry it. */}}
{{- define "lmo.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Name of every object: the release's, with the chart's behind it unless it is in there. */}}
{{- define "lmo.fullname" -}}
{{- $name := include "lmo.name" . -}}
{{- $own := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $own .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "lmo.selectorLabels" -}}
app.kubernetes.io/name: {{ include "lmo.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "lmo.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "lmo.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: local-model-operator
{{- end }}

{{- define "lmo.serviceAccount" -}}
{{- $fallback := ternary (include "lmo.fullname" .) "default" .Values.serviceAccount.create -}}
{{- default $fallback .Values.serviceAccount.name }}
{{- end }}

{{/* The image of a dict, under the registry of that dict where there is one. */}}
{{- define "lmo.relocated" -}}
{{- $host := splitList "/" .image | first -}}
{{- $named := and (contains "/" .image) (or (contains "." $host) (contains ":" $host) (eq $host "localhost")) -}}
{{- $path := ternary (trimPrefix (printf "%s/" $host) .image) .image $named -}}
{{- if .registry }}{{ trimSuffix "/" .registry }}/{{ $path }}{{ else }}{{ .image }}{{ end }}
{{- end }}

{{- define "lmo.image" -}}
{{- with .Values.image -}}
{{- $version := ternary (printf "@%s" .digest) (printf ":%s" (default $.Chart.AppVersion .tag)) (ne .digest "") -}}
{{- include "lmo.relocated" (dict "image" (printf "%s%s" .repository $version) "registry" $.Values.imageRegistry) }}
{{- end }}
{{- end }}

{{/* The file that the operator reads: what the user set, with every image where it is to be had. */}}
{{- define "lmo.defaults" -}}
{{- $images := dict "operator" (include "lmo.image" .) -}}
{{- range $name, $image := .Values.defaults.images -}}
{{- $_ := set $images $name (include "lmo.relocated" (dict "image" $image "registry" $.Values.imageRegistry)) -}}
{{- end -}}
{{- toYaml (merge (dict "images" $images) (omit .Values.defaults "images")) }}
{{- end }}

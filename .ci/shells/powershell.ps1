# Asks PowerShell for its completions, and compares the arguments that the completed lines contain.
#
# Run by .ci/shells.sh and by the workflow inside `swp-keys sandbox --`, which sets the environment and puts the program first in PATH.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

function Get-Argument { $args }

# Returns the last argument of the line after its only completion. Fails if there is no completion, or if there are several.
function Complete-Line($Line) {
    $completion = TabExpansion2 -inputScript $Line -cursorColumn $Line.Length
    $found = @($completion.CompletionMatches)
    if ($found.Count -ne 1) { throw "$Line has $($found.Count) completions" }
    $completed = $Line.Substring(0, $completion.ReplacementIndex) + $found[0].CompletionText
    @(Invoke-Expression ($completed -replace '^swp-keys', 'Get-Argument'))[-1]
}

function Test-Completion($Line, $Wanted) {
    $received = Complete-Line $Line
    if ($received -cne $Wanted) { throw "$Line received [$received], not [$Wanted]" }
    if (Test-Path pwned) { throw "$Line ran a part of a name" }
}

$names = (Get-Content -Raw -Encoding UTF8 (Join-Path $PSScriptRoot 'roles.json') | ConvertFrom-Json).name
$folder = Join-Path ([System.IO.Path]::GetTempPath()) ([System.Guid]::NewGuid())
New-Item -ItemType Directory $folder | Out-Null
Push-Location $folder
try {
    swp-keys create --quiet --role-id 1 --allow-full-access --name 'zulu $(touch pwned)' --out-file key | Out-Null
    if ($LASTEXITCODE -ne 0) { throw 'the key was not created' }
    $env:SWP_API_KEY_FILE = Join-Path $folder 'key'
    swp-keys completions powershell | Out-String | Invoke-Expression
    foreach ($name in $names) {
        Test-Completion "swp-keys create --role $($name.Substring(0, 4))" $name
    }
    Test-Completion 'swp-keys delete-key zul' 'zulu $(touch pwned)'
    Test-Completion 'swp-keys create-' 'create-key'
    Test-Completion 'swp-keys help appl' 'apply'
    Test-Completion 'swp-keys create --if-exists rek' 'rekey'
    Test-Completion 'swp-keys exec --role x -- Get-ChildI' 'Get-ChildItem'
    Test-Completion 'swp-keys exec --role x -- swp-keys create --role alph' $names[0]
    New-Item -ItemType File 'kept $(touch pwned).txt' | Out-Null
    $path = Complete-Line 'swp-keys create --out-file kep'
    if ((Split-Path -Leaf $path) -cne 'kept $(touch pwned).txt') { throw "the path is $path" }
    'PowerShell: complete'
} finally {
    Pop-Location
    Remove-Item -Recurse -Force $folder
}

# Completion of swp-keys in PowerShell: swp-keys completions powershell | Out-String | Invoke-Expression, in $PROFILE
Register-ArgumentCompleter -Native -CommandName 'swp-keys', 'swp-keys.exe' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # The words are passed unchanged. Nothing that was typed is evaluated.
    $words = @($commandAst.CommandElements |
        Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text } })
    $current = $wordToComplete.Trim('"', "'")
    $encoding = [Console]::OutputEncoding
    try { [Console]::OutputEncoding = [System.Text.Encoding]::UTF8 } catch { $encoding = $null }
    $lines = @(& swp-keys __complete powershell "=$current" @words 2>$null)
    if ($encoding) { [Console]::OutputEncoding = $encoding }
    foreach ($line in $lines) {
        $value, $help = $line -split "`t", 2
        if ($line -eq "`tcommand") {
            $start = $commandAst.Extent.StartOffset
            $dashes = $commandAst.CommandElements | Where-Object { $_.Extent.Text -eq '--' } | Select-Object -First 1
            $text = $commandAst.Extent.Text.PadRight($cursorPosition - $start).Substring(0, $cursorPosition - $start)
            $text = $text.Substring($dashes.Extent.EndOffset - $start).TrimStart()
            (TabExpansion2 -inputScript $text -cursorColumn $text.Length).CompletionMatches
        }
        # If there are no candidates, PowerShell completes files.
        if (-not $value) { continue }
        if (-not $help) { $help = $value }
        $text = $value
        # PowerShell also treats curved quotes as quotes.
        if ($text.Contains("$([char]31)")) {
            $text = '"' + ($text -replace '[`$"\u201c-\u201e]', '`$0' -replace "$([char]31)", '`n') + '"'
        } elseif ($text -match '[^A-Za-z0-9_\-./:=+]') {
            $text = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($text) + "'"
        }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)
    }
}

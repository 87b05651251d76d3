# Completion of swp-keys in PowerShell: swp-keys completions powershell | Out-String | Invoke-Expression, in $PROFILE
Register-ArgumentCompleter -Native -CommandName swp-keys -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # The words are passed unchanged. Nothing that was typed is evaluated.
    $words = @($commandAst.CommandElements |
        Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text } })
    $current = $wordToComplete.Trim('"', "'")
    & swp-keys __complete powershell "=$current" @words 2>$null | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        $text = $value
        if ($text -match '[^A-Za-z0-9_\-./:=@%+]') {
            # PowerShell also treats curved quotes as quotes.
            $text = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($text) + "'"
        }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)
    }
}

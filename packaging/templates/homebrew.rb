class SwpKeys < Formula
  desc "Gets and manages API keys of Trend Micro Deep Security Manager"
  homepage "${homepage}"
  version "${version}"
  license "${license}"

  on_macos do
    url "${url_universal_apple_darwin}"
    sha256 "${sha256_universal_apple_darwin}"
  end

  on_linux do
    on_intel do
      url "${url_x86_64_unknown_linux_musl}"
      sha256 "${sha256_x86_64_unknown_linux_musl}"
    end
    on_arm do
      url "${url_aarch64_unknown_linux_musl}"
      sha256 "${sha256_aarch64_unknown_linux_musl}"
    end
  end

  def install
    bin.install "swp-keys"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/swp-keys.bash" => "swp-keys"
    zsh_completion.install "completions/_swp-keys"
    fish_completion.install "completions/swp-keys.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/swp-keys --version")
    create = "#{bin}/swp-keys create --role Auditor --expires 1d"
    refute_empty shell_output("#{bin}/swp-keys sandbox -- #{create}")
  end
end

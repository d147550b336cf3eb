// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {GasBase} from "./GasBase.t.sol";

/// forge-config: default.isolate = true
contract StakeVaultGas is GasBase {
    string private constant GROUP = "StakeVault";
    uint256 private constant ASSETS = 1234.567891234567891 ether;

    address private _operator;

    function setUp() public override {
        super.setUp();
        _operator = _registerOperator("operator");
        _thaw(_operator, _operator, 1e21);
        _slash(_operator, 1 ether, 1000);
        // Tokens that are left and an allowance without end, as in most wallets.
        _fund(stakeToken, _operator, address(vault), ASSETS * 2);
        vm.prank(_operator);
        stakeToken.approve(address(vault), type(uint256).max);
    }

    /// @dev Ten cold slots of pool, holding, fee accumulator and token are 42,000 of it.
    function test_Stake() public {
        vm.prank(_operator);
        vault.stake(ASSETS);
        _record(GROUP, "stake", 73_000);
    }

    /// @dev The three slots of a new ticket are 66,000 of it.
    function test_Thaw() public {
        _thaw(_operator, _operator, 1e21 + 123_456_789);
        _record(GROUP, "thaw", 133_000);
    }

    function test_Slash() public {
        _slash(_operator, 12.345678912345678912 ether, 1000);
        _record(GROUP, "slash", 90_000);
    }

    function test_Withdraw() public {
        _skip(THAW);
        _withdraw(_operator, 1);
        _record(GROUP, "withdraw", 70_000);
    }
}

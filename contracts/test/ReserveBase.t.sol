// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {RewardReserve} from "../src/RewardReserve.sol";
import {IRewardReserve} from "../src/interfaces/IRewardReserve.sol";
import {Base} from "./Base.t.sol";

/// @notice Seven operators in seven failure domains, and the life of a rewarded period.
abstract contract ReserveBase is Base {
    /// @dev Drawn and enrolled for at genesis.
    uint64 internal constant PERIOD = 1;
    uint256 internal constant OPERATORS = 7;
    /// @dev `OWN_STAKE` of each, at one token an hour for each floor of it.
    uint256 internal constant DAILY_WAGES = OPERATORS * 2 * 24 ether;
    uint256 internal constant PLENTY = 1_000_000 ether;

    uint256[] internal observedWords;
    uint256[] internal upWords;

    function setUp() public virtual override {
        super.setUp();
        _registerOperators(OPERATORS);
        for (uint256 i = 0; i < OPERATORS; ++i) {
            _declare(operators[i], bytes32(i + 1));
        }
    }

    function _declare(address operator, bytes32 domain) internal {
        vm.prank(operator);
        operatorRegistry.changeEndpoint(domain, "https://operator.example");
    }

    /// @dev As a donor; counted at the next close.
    function _endow(uint256 amount) internal {
        feeToken.mint(reserve, amount);
    }

    function _enrolAll() internal {
        for (uint256 i = 0; i < operators.length; ++i) {
            rewardReserve.enrol(operators[i]);
        }
    }

    /// @dev Goes to the period before and has its committee drawn and everybody enrolled.
    function _prepare(uint64 period) internal {
        if (committeeOf[period].length == 0) _draw(period);
        _enrolAll();
    }

    /// @dev The result of a prepared period, final: the operator at `index` missed the first slots, nobody else any. The
    ///      period after it is prepared in its course.
    function _run(uint64 period, uint32 index, uint256 missedSlots) internal {
        _draw(period + 1);
        _enrolAll();
        (observedWords, upWords) = _downFor(index, missedSlots);
        _warpTo(_periodStart(period + 1));
        uint32[] memory members = committeeOf[period];
        ledger.post(period, members, _reports(period, members, observedWords, upWords));
        _finalize(period);
    }

    function _reportOne(uint64 period, address operator) internal returns (uint256 weight) {
        vm.prank(reporter);
        weight = rewardReserve.report(period, operator, observedWords, upWords);
    }

    function _reportAll(uint64 period) internal {
        for (uint256 i = 0; i < operators.length; ++i) {
            _reportOne(period, operators[i]);
        }
    }

    function _close(uint64 period) internal {
        _warpTo(rewardReserve.closesAt(period));
        rewardReserve.close(period);
    }

    /// @dev A period in which everybody was up, from enrolment to closing.
    function _reward(uint64 period) internal {
        _prepare(period);
        _run(period, 0, 0);
        _reportAll(period);
        _close(period);
    }

    /// @dev The result of `PERIOD`, final, with everybody enrolled and up.
    function _finalPeriod() internal {
        _prepare(PERIOD);
        _run(PERIOD, 0, 0);
    }

    /// @dev Another reserve, whose settlement is not named yet.
    function _unbound() internal returns (RewardReserve) {
        return RewardReserve(
            _create(
                "RewardReserve",
                abi.encode(accessManager, ledger, operatorRegistry, vault, REWARD_REPORT, REWARD_CLAIM, _parameters())
            )
        );
    }

    function _releaseOf(uint64 period) internal view returns (uint256) {
        return rewardReserve.periodOf(period).release;
    }

    function _outOfRange(bytes32 name, uint256 value, uint256 min, uint256 max) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRewardReserve.RewardReserve_ParameterOutOfRange.selector, name, value, min, max);
    }
}
